/** The one style sheet of the pages. Light and dark, from 320 px on; every pair of colours is at least 4.5 : 1. */
export const style = `
:root{color-scheme:light dark;--page:#eef1f5;--card:#fff;--text:#1b2430;--quiet:#515e6e;--line:#d3dae3;--accent:#0b5cad;--on-accent:#fff;--note:#fff6df;--note-line:#b98900;--note-text:#4a3800}
@media (prefers-color-scheme:dark){:root{--page:#11161d;--card:#1a212b;--text:#e8edf3;--quiet:#a9b5c3;--line:#38424f;--accent:#7ab8ff;--on-accent:#0a1a2c;--note:#2d2611;--note-line:#d9a928;--note-text:#f4e3b2}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:38rem;margin-inline:auto;padding-inline:1rem}
header p,footer p{margin:0;color:var(--quiet);font-size:.875rem}
header{padding-block:1.5rem .75rem;min-height:1.5rem}
footer{padding-block:.75rem 2rem}
main{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding-block:1.5rem}
h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25;font-weight:650}
h2{margin:0;font-size:1.0625rem;line-height:1.35;font-weight:650}
h3{margin:.75rem 0 .25rem;font-size:.9375rem;font-weight:600}
p{margin:.5rem 0}
small,.quiet{color:var(--quiet);font-size:.875rem;font-weight:400}
section,legend{padding:1.25rem 0 0;border-top:1px solid var(--line)}
section,fieldset{margin:1.25rem 0 0}
fieldset{padding:0;border:0;min-width:0}
legend{width:100%}
dl{display:grid;grid-template-columns:minmax(6.5rem,auto) 1fr;gap:.5rem 1rem;margin:1rem 0 0}
dt{color:var(--quiet)}
dd{margin:0;min-width:0}
dd small{display:block}
ul{margin:.25rem 0;padding-left:1.25rem}
li{margin:.125rem 0}
summary{min-height:2rem;padding:.25rem 0;color:var(--accent);cursor:pointer}
.choice{display:flex;gap:.75rem;align-items:flex-start;padding:.5rem 0;min-height:2.75rem}
.choice input{flex:none;width:1.25rem;height:1.25rem;margin:.125rem 0 0;accent-color:var(--accent)}
.choice span{min-width:0}
.note{margin:1.25rem 0 0;padding:.75rem 1rem;border-left:.25rem solid var(--note-line);border-radius:.25rem;background:var(--note);color:var(--note-text)}
.buttons{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.25rem}
button{flex:1 1 8rem;min-height:2.75rem;padding:.5rem 1.25rem;border:2px solid var(--accent);border-radius:.5rem;background:var(--card);color:var(--accent);font:inherit;font-weight:600;cursor:pointer}
button[value=allow]{background:var(--accent);color:var(--on-accent)}
a{color:var(--accent)}
code{font:.9375em/1.5 ui-monospace,SFMono-Regular,Consolas,monospace}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px;border-radius:.25rem}
@media (max-width:40rem){main{border-inline:0;border-radius:0}}
@media (max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.625rem}}
`
