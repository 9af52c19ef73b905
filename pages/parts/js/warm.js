// Fetch the chart library while the reader looks at the start page: the first chart of a visit then need not wait.
export default function ({ data }) {
  const idle = window.requestIdleCallback ?? setTimeout;
  idle(() => import(new URL(`static/js/${data.file}`, document.baseURI).href));
}
