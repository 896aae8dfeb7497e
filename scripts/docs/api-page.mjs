// @ts-check
/** @typedef {import('./api-model.mjs').Item} Item */

const notice = '<!-- Written by `npm run docs` from the docstrings. Change them there. -->'
/** What a type comes to may be long; its beginning says what it is. */
const linesShown = 12

/**
 * One page for one export of the package: every name with its docstring and its declaration.
 *
 * @param {string} name @param {Item} model
 */
export function apiPage(name, model) {
  const items = grouped(model.members ?? [])
  const sections = items.map(([title, declarations]) => {
    const { prose, example } = comment(declarations[0]?.docComment)
    const code = declarations.map((item) => declaration(item, '')).join('\n')
    const shown = [
      `## ${title}`,
      prose,
      fenced(code),
      example === '' ? '' : `For example:\n\n${fenced(example)}`,
    ]
    return shown.filter((part) => part !== '').join('\n\n')
  })
  const { prose, example } = comment(model.docComment)
  const head = [notice, `# ${name}`, prose, example === '' ? '' : fenced(example), contents(items)]
  return `${[...head.filter((part) => part !== ''), ...sections].join('\n\n')}\n`
}

/** Overloads stand together, in the order of the alphabet. @param {Item[]} all @returns {[string, Item[]][]} */
function grouped(all) {
  // One that is called like a name of the browsers' library has a number; it is ours all the same.
  const members = all.map((item) => ({ ...item, name: (item.name ?? '').replace(/_\d+$/, '') }))
  const names = [...new Set(members.map(({ name }) => name))].sort((a, b) => a.localeCompare(b, 'en'))
  return names.map((name) => [name, members.filter((item) => item.name === name)])
}

/** @param {[string, Item[]][]} items */
function contents(items) {
  const anchors = /** @type {string[]} */ ([])
  const rows = items.map(([name, [item]]) => {
    const [sentence = ''] = comment(item?.docComment)
      .prose.replace(/\s*\n\s*/g, ' ')
      .split(/(?<=\.)\s/)
    const again = anchors.filter((one) => one === name.toLowerCase()).length
    anchors.push(name.toLowerCase())
    return `| [${name}](#${name.toLowerCase()}${again === 0 ? '' : `-${again}`}) | ${(item?.kind ?? '').replace('Alias', '').toLowerCase()} | ${sentence.replaceAll('|', '\\|')} |`
  })
  return ['| name | kind | |', '| --- | --- | --- |', ...rows].join('\n')
}

/** A declaration with the docstrings of its members. @param {Item} item @param {string} indent @returns {string} */
function declaration(item, indent) {
  const text = (item.excerptTokens ?? [])
    .map((token) => token.text)
    .join('')
    .replace(/^export (declare )?/, '')
    .replace(/\bimport\("[^"]*"\)\./g, '')
    .trimEnd()
  const members = item.members ?? []
  if (item.kind !== 'Interface' && item.kind !== 'Class') return indented(cut(text), indent)
  const inner = members.map((member) => {
    const doc = documentation(member.docComment, `${indent}  `)
    return `${doc}${declaration(member, `${indent}  `)}`
  })
  return [`${indent}${text} {`, ...inner, `${indent}}`].join('\n')
}

/** @param {string} text @param {string} indent */
function indented(text, indent) {
  return text
    .split('\n')
    .map((line, n) => (n === 0 ? `${indent}${line}` : line))
    .join('\n')
}

/** @param {string} text */
function cut(text) {
  const lines = text.split('\n')
  return lines.length <= linesShown ? text : [...lines.slice(0, linesShown), '  // …'].join('\n')
}

/** @param {string | undefined} raw @param {string} indent */
function documentation(raw, indent) {
  const { prose } = comment(raw)
  if (prose === '') return ''
  const lines = prose.split('\n')
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`, ''].join('\n')
}

/** A docstring without its frame: what it says, and its example. @param {string | undefined} raw */
function comment(raw = '') {
  const text = raw
    .replace(/^\/\*\*/, '')
    .replace(/\*\/\s*$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
    .join('\n')
    .replace(/@packageDocumentation/, '')
    .trim()
  const [prose = '', example = ''] = text.split(/\n?@example\n?/)
  return { prose: prose.trim(), example: example.trim().replace(/^ (?! )/gm, '  ') }
}

/** @param {string} code */
function fenced(code) {
  return `\`\`\`typescript\n${code}\n\`\`\``
}
