// Plotly as its package ships it, loaded once a visit; put before the scripts that draw with it.
const library = (url) => {
  window.popscapePlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = reject;
    document.head.append(script);
  });
  return window.popscapePlotly;
};
