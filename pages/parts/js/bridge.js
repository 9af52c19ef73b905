// What st.plotly_chart does not pass on: a click on a heatmap, the range after a zoom, the place of a slider.
export default function ({ data, setTriggerValue, setStateValue }) {
  const attach = () => {
    const graph = document.querySelector(`.st-key-${data.chart} .js-plotly-plot`);
    if (!graph?.on || graph.bridged) return;
    graph.bridged = true; // a chart that was built anew has no mark, and is found again by the interval
    for (const what of data.events) {
      if (what === "click") {
        graph.on("plotly_click", ({ points: [p] }) =>
          setTriggerValue("click", {
            x: p.x, y: p.y, z: p.z ?? null, curve: p.curveNumber, point: p.customdata ?? null,
          }));
      } else if (what === "view") {
        graph.on("plotly_relayout", (change) => {
          if (!Object.keys(change).some((key) => key.includes("axis"))) return;
          const { xaxis, yaxis } = graph.layout;
          setTriggerValue("view", { x: [...xaxis.range], y: [...yaxis.range] });
        });
      } else if (what === "slider") {
        graph.on("plotly_sliderend", ({ slider }) => setStateValue("slider", slider.active));
      }
    }
  };
  const search = setInterval(attach, 100);
  return () => clearInterval(search);
}
