"""Prices as feeds write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatives.feeds.model import Price
from creatives.feeds.prices import PriceError, parse_price


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("29.00 EUR", "29.00", "EUR"),
        ("EUR 29,00", "29.00", "EUR"),
        ("29,5 eur", "29.5", "EUR"),
        ("29EUR", "29", "EUR"),
        ("€29", "29", "EUR"),
        ("1.299,00 EUR", "1299.00", "EUR"),
        ("1,299.00 USD", "1299.00", "USD"),
        ("1 299,00 PLN", "1299.00", "PLN"),
        ("1'299.50 CHF", "1299.50", "CHF"),
        ("1,234,567 USD", "1234567", "USD"),
        ("1.250 KWD", "1.250", "KWD"),
        ("0 EUR", "0", "EUR"),
    ],
)
def test_reads(text: str, amount: str, currency: str) -> None:
    assert parse_price(text) == Price(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("29.00", "A price needs its currency."),
        ("EUR 29 EUR", "A price names its currency once."),
        ("29.00 XXX", "XXX is not an ISO 4217 currency code."),
        ("-5 EUR", "A price is an amount of 0 or more and a currency."),
        ("free", "A price is an amount of 0 or more and a currency."),
        ("1,299 EUR", "1,299 can be read in two ways: three digits after the separator."),
        ("1.2.3 EUR", "A price has at most one decimal separator."),
        ("1,299.005 EUR", "A price in EUR has at most 2 decimals."),
        ("99999999999 EUR", "A price is at most 9999999999.99."),
    ],
)
def test_refuses_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(PriceError) as caught:
        parse_price(text)
    assert caught.value.rule == rule


@given(
    st.decimals(min_value=0, max_value=Decimal("9999999999.99"), places=2),
    st.sampled_from(["EUR", "USD", "GBP"]),
    st.sampled_from(["{:.2f} {}", "{:,.2f} {}", "{1} {0:.2f}", "{1}{0:.2f}"]),
)
def test_what_is_written_is_read_back(amount: Decimal, currency: str, pattern: str) -> None:
    assert parse_price(pattern.format(amount, currency)) == Price(amount, currency)
