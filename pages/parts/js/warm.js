// Fetch what draws charts while the reader looks at a page without one: the first chart of a visit then need not wait.
export default function ({ data }) {
  const idle = window.requestIdleCallback ?? setTimeout;
  idle(() => {
    if (data.file) import(new URL(`static/js/${data.file}`, document.baseURI).href);
    if (data.library) library(new URL(data.library, document.baseURI).href);
  });
}
