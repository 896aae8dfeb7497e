import { style as shared } from '../pages/style.ts'

/** The style sheet of the start page: that of all pages, and what it has beyond them. */
export const style = `${shared}
header{min-height:0;padding-block:1.5rem .75rem}
main>section:first-of-type{border-top:0;padding-top:0}
section{margin-top:1.5rem}
h2{margin-bottom:.5rem;font-size:1.1875rem}
details{border-top:1px solid var(--line)}
details:last-of-type{border-bottom:1px solid var(--line)}
summary{min-height:2.75rem;padding:.625rem 0;font-weight:600}
details ol{margin:0 0 .5rem;padding-left:1.25rem}
details li{margin:.25rem 0}
.block{display:flow-root;margin:.375rem 0 .75rem}
pre{margin:0;padding:.75rem;border:1px solid var(--line);border-radius:.5rem;background:var(--page);white-space:pre-wrap;font:.875rem/1.5 ui-monospace,SFMono-Regular,Consolas,monospace}
.block button~pre{min-height:2.75rem}
.copy{float:right;position:relative;margin:.375rem .375rem 0 .5rem;min-height:2rem;padding:.125rem .75rem;border-width:1px;font-size:.875rem}
.status{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.button{display:inline-block;min-height:2.75rem;padding:.5rem 1.25rem;border:2px solid var(--accent);border-radius:.5rem;background:var(--accent);color:var(--on-accent);font-weight:600;text-decoration:none}
.quieter{flex:none}
`
