"""Prices as feeds write them: ``29.00 EUR``, ``EUR 29,00``, ``1.299,00 EUR``, ``€29``."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from .model import Price

MAX_AMOUNT: Final = Decimal("9999999999.99")
SYMBOLS: Final = {"€": "EUR", "£": "GBP"}
THREE_DECIMALS: Final = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
CURRENCIES: Final = frozenset(
    re.findall(
        r"[A-Z]{3}",
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD "
        "CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
        "GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT "
        "LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR "
        "NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
        "STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG "
        "XOF XPF YER ZAR ZMW ZWG ",
    )
)

_PARTS: Final = re.compile(
    r"(?:(?P<before>[A-Za-z]{3}|[€£])\s*)?(?P<number>\d[\d.,'’\s]*)(?:(?P<after>[A-Za-z]{3}|[€£]))?"
)
_USUAL: Final = re.compile(r"(\d{1,10}\.\d\d) ([A-Z]{3})")
_PLAIN: Final = re.compile(r"\d+(?:[.,]\d{1,3})?")
_GROUPED: Final = re.compile(r"\d{1,3}(?P<sep>[.,'’ ])\d{3}(?:(?P=sep)\d{3})*(?:(?!(?P=sep))[.,]\d{1,3})?")


class PriceError(ValueError):
    """``args`` is (rule, fix)."""

    def __init__(self, rule: str, fix: str = "Write it as 29.00 EUR.") -> None:
        super().__init__(rule, fix)
        self.rule, self.fix = rule, fix


def parse_price(text: str, default_currency: str = "") -> Price:
    """Read an amount with its ISO 4217 currency before or after it, or of ``default_currency`` without one.

    Raises PriceError, also for ``1,299 EUR``: whether that is 1299 or 1.299 is not ours to guess.
    """
    if (usual := _USUAL.fullmatch(text)) and usual[2] in CURRENCIES:
        return Price(Decimal(usual[1]), usual[2])
    parts = _PARTS.fullmatch(text.strip())
    if parts is None:
        raise PriceError("A price is an amount of 0 or more and a currency.")
    before, after = parts["before"], parts["after"]
    if before and after:
        raise PriceError("A price names its currency once.")
    currency = (before or after or default_currency).upper()
    if not currency:
        raise PriceError(
            "A price needs its currency.", "Write it as 29.00 EUR, or choose the currency of the whole feed."
        )
    currency = SYMBOLS.get(currency, currency)
    if currency not in CURRENCIES:
        raise PriceError(f"{currency} is not an ISO 4217 currency code.")
    amount = _amount(re.sub(r"\s", " ", parts["number"].strip()), currency)
    if amount > MAX_AMOUNT:
        raise PriceError(f"A price is at most {MAX_AMOUNT}.")
    return Price(amount, currency)


def _amount(number: str, currency: str) -> Decimal:
    decimals = 3 if currency in THREE_DECIMALS else 2
    if _PLAIN.fullmatch(number):
        whole, _, fraction = number.replace(",", ".").partition(".")
        if len(fraction) == 3 and decimals < 3:
            raise PriceError(
                f"{number} can be read in two ways: three digits after the separator.",
                f"Write {whole}{fraction}.00 {currency} or {whole}.{fraction[:2]} {currency}.",
            )
        return Decimal(f"{whole}.{fraction}" if fraction else whole)
    if (grouped := _GROUPED.fullmatch(number)) is None:
        raise PriceError("A price has at most one decimal separator.")
    digits = number.replace(grouped["sep"], "").replace(",", ".")
    if len(digits.partition(".")[2]) > decimals:
        raise PriceError(f"A price in {currency} has at most {decimals} decimals.")
    return Decimal(digits)
