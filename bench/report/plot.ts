import type { Curve } from '../frame/measure.ts'

const width = 760
const height = 420
const left = 60
const right = 250
const top = 30
const bottom = 50
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9']
/** What is faster than at 1× has room below. */
const leastTimes = 0.5
const mostTimes = 100

/**
 * Draws curves as SVG: how many times as much along, how many times as long up, both by powers of ten, each curve from its own
 * first point. A dashed line shows what would be linear.
 */
export function plotOf(curves: readonly Curve[]): string {
  const x = (times: number) => left + (Math.log10(times) / 2) * (width - left - right)
  const y = (times: number) => {
    const part = Math.log(Math.max(leastTimes, times) / leastTimes) / Math.log(mostTimes / leastTimes)
    return height - bottom - part * (height - top - bottom)
  }
  const point = (across: number, up: number) => `${x(across).toFixed(1)},${y(up).toFixed(1)}`
  const grid = [1, 10, mostTimes].flatMap((times) => [
    `<path d="M${point(times, leastTimes)}V${top}" stroke="#ddd"/>`,
    text(x(times), height - bottom + 22, `${times}×`, 'middle'),
    `<path d="M${point(1, times)}H${width - right}" stroke="#ddd"/>`,
    text(left - 10, y(times) + 4, `${times}×`, 'end'),
  ])
  const lines = curves.flatMap((curve, index) => {
    const colour = colours[index % colours.length]
    const points = timesOf(curve)
    const path = points.map(({ across, up }) => point(across, up)).join(' ')
    const legend = top + 14 + index * 46
    const first = curve.points[0]?.milliseconds ?? 0
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...points.map(({ across, up }) => {
        const [cx, cy] = point(across, up).split(',')
        return `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${colour}"/>`
      }),
      `<rect x="${width - right + 20}" y="${legend - 9}" width="10" height="10" fill="${colour}"/>`,
      text(width - right + 38, legend, curve.name, 'start'),
      text(width - right + 38, legend + 16, sizesOf(curve), 'start', '#666'),
      text(width - right + 38, legend + 30, `from ${first.toPrecision(3)} ms`, 'start', '#666'),
    ]
  })
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...grid,
    `<path d="M${point(1, 1)}L${point(mostTimes, mostTimes)}" stroke="#999" stroke-dasharray="5 4"/>`,
    text(x(mostTimes) - 8, y(mostTimes) + 28, 'linear', 'end', '#666'),
    text(left, top - 12, 'times as long, a call', 'start'),
    text(width - right, height - 10, 'times as much', 'end'),
    ...lines,
    '</svg>',
  ].join('\n')}\n`
}

function timesOf({ points }: Curve): { across: number; up: number }[] {
  const [first] = points
  if (first === undefined) return []
  return points.map(({ size, milliseconds }) => ({
    across: size / first.size,
    up: milliseconds / first.milliseconds,
  }))
}

function sizesOf({ points }: Curve): string {
  return points.map(({ size }) => size.toLocaleString('en-US')).join(' · ')
}

function text(x: number, y: number, content: string, anchor: string, colour = '#222'): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colour}">${escaped}</text>`
}
