// The slider between a product's original and its creative: moves the edge of the picture on top.
document.addEventListener("input", ({ target }) => {
  if (target.matches?.(".compare input")) target.closest(".compare").style.setProperty("--at", `${target.value}%`);
});
