// Draws every <figure data-chart="line"> from the JSON of its <script type="application/json">:
// {"x": [unix seconds, …], "format": "percent" | "number", "series": [{"label", "values", "lower"?, "upper"?}, …]}.
// The table inside the figure stays: it is what screen readers, scripts-off readers and copy and paste use.
(() => {
  const PALETTE = {
    light: ["#1f5fbf", "#b3541e", "#176639", "#7a3fa0", "#8a6d00", "#a02c5a"],
    dark: ["#8bb8f5", "#f2a676", "#7fd6a3", "#cfa3ee", "#e3c766", "#f29bbf"],
  };
  const HEIGHT = 280;
  const DAY = 86400;
  const dayName = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  const hourName = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
  const drawn = new Map();

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const resolved = (name) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value || colour(name);
  };
  const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const formatter = (format) => format === "percent"
    ? (value) => (value == null ? "–" : `${Number((value * 100).toFixed(2))} %`)
    : (value) => (value == null ? "–" : value.toLocaleString());

  const columns = (data) => {
    const values = [data.x];
    const series = [{}];
    const bands = [];
    const colours = PALETTE[isDark() ? "dark" : "light"];
    const show = formatter(data.format);
    data.series.forEach((line, index) => {
      const stroke = colours[index % colours.length];
      values.push(line.values);
      series.push({ label: line.label, stroke, width: 2, points: { show: data.x.length < 30 }, value: (_, value) => show(value), spanGaps: true });
      if (line.lower && line.upper) {
        const hidden = { stroke: "transparent", points: { show: false }, value: (_, value) => show(value) };
        values.push(line.upper, line.lower);
        series.push({ ...hidden, label: `${line.label}, upper` }, { ...hidden, label: `${line.label}, lower` });
        bands.push({ series: [series.length - 2, series.length - 1], fill: `${stroke}26` });
      }
    });
    return { values, series, bands, show };
  };

  const draw = (figure) => {
    const source = figure.querySelector('script[type="application/json"]');
    const data = source && JSON.parse(source.textContent);
    if (!data || !data.x.length || typeof uPlot === "undefined") return;
    drawn.get(figure)?.destroy();
    let holder = figure.querySelector(".chart");
    if (!holder) {
      holder = document.createElement("div");
      holder.className = "chart";
      source.before(holder);
    }
    holder.setAttribute("aria-hidden", "true");
    const { values, series, bands, show } = columns(data);
    const axis = { stroke: resolved("--muted"), grid: { stroke: resolved("--line"), width: 1 }, ticks: { show: false } };
    const isTime = data.time !== false;
    const lone = isTime ? DAY : 1; // around a single point
    const isDaily = isTime && data.x.every((x) => x % DAY === 0);
    const days = { incrs: [1, 2, 7, 14, 28, 91, 364].map((count) => count * DAY), values: (_, ticks) => ticks.map((tick) => dayName.format(tick * 1000)) };
    const hours = isTime && data.x.at(-1) - data.x[0] < 14 * DAY && { values: (_, ticks) => ticks.map((tick) => (tick % DAY ? hourName : dayName).format(tick * 1000)) };
    const options = {
      width: holder.clientWidth, height: HEIGHT, series, bands,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      axes: [isDaily ? { ...axis, ...days } : { ...axis, ...hours }, { ...axis, size: 64, values: (_, ticks) => ticks.map(show) }],
      scales: { x: { time: isTime, range: (_, low, high) => (data.x.length === 1 ? [data.x[0] - lone, data.x[0] + lone] : [low, high]) }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high || 1) * 1.05] } },
      legend: { live: false },
      cursor: { drag: { x: false, y: false } },
    };
    const plot = new uPlot(options, values, holder);
    for (const row of plot.root.querySelectorAll(".u-legend tr")) if (/, (upper|lower)$/.test(row.textContent.trim())) row.hidden = true;
    drawn.set(figure, plot);
  };

  const drawAll = () => {
    for (const [figure, plot] of drawn) if (!figure.isConnected) { plot.destroy(); drawn.delete(figure); }
    for (const figure of document.querySelectorAll('figure[data-chart="line"]')) draw(figure);
  };
  const resize = () => {
    for (const [figure, plot] of drawn) {
      const width = figure.querySelector(".chart").clientWidth;
      if (width && Math.abs(width - plot.width) > 1) plot.setSize({ width, height: HEIGHT });
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", drawAll); else drawAll();
  document.addEventListener("htmx:afterSettle", drawAll);
  document.addEventListener("studio:theme", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  addEventListener("resize", resize);
})();
