// A chart whose points move in place: st.plotly_chart builds a new one at each change, and a zoom would be lost.
// The theme of the page as Streamlit states it; read at each drawing, so that a switch to dark is followed.
const themed = (layout, style) => {
  const colour = style.getPropertyValue("--st-text-color");
  const grid = style.getPropertyValue("--st-border-color");
  const axes = Object.keys(layout).filter((key) => /^[xy]axis/.test(key));
  const changed = { ...layout, font: { ...layout.font, color: colour, family: style.getPropertyValue("--st-font") } };
  for (const axis of axes) changed[axis] = { ...layout[axis], gridcolor: grid, linecolor: grid };
  return changed;
};

export default function ({ data, parentElement }) {
  let node = parentElement.querySelector(".live");
  if (!node) {
    node = document.createElement("div");
    node.className = "live";
    parentElement.append(node);
  }
  node.setAttribute("role", "figure");
  node.setAttribute("aria-label", data.alt);
  const { data: traces, layout } = JSON.parse(data.figure);
  library(new URL(data.library, document.baseURI).href).then((Plotly) =>
    Plotly.react(node, traces, themed(layout, getComputedStyle(node)), { ...data.config, responsive: true }));
}
