// @ts-check

/**
 * Widths of Inter's letters in parts of its size, by kind: enough for laying out labels.
 *
 * @type {readonly (readonly [RegExp, number])[]}
 */
const widths = [
  [/[ .,:;'|!ijl]/u, 0.28],
  [/[()/[\]frtI-]/u, 0.38],
  [/[mwMW%—…]/u, 0.88],
  [/[A-Z&?]/u, 0.69],
  [/\d/u, 0.63],
]
const usual = 0.58
/** The semibold is this much wider. */
const bold = 1.06

/**
 * The width of a line of text in Inter, in CSS pixels. Without a canvas Vega takes every letter for a capital M, and would leave
 * labels out that fit.
 *
 * @param {{ fontSize?: number, fontWeight?: number | string, limit?: number }} item What Vega gives of a text that it measures.
 * @param {unknown} text
 * @returns {number}
 */
export function textWidth({ fontSize = 11, fontWeight, limit = 0 }, text) {
  const line = text === undefined || text === null ? '' : String(text).trim()
  let ems = 0
  for (const letter of line) ems += widths.find(([kind]) => kind.test(letter))?.[1] ?? usual
  const width = ems * fontSize * (Number(fontWeight) >= 600 ? bold : 1)
  return limit > 0 ? Math.min(width, limit) : width
}
