import type { Page } from 'playwright-core'
import { z } from 'zod'

/** A text on a page and its contrast (WCAG 2.2, 1.4.3). */
export interface Contrast {
  readonly text: string
  readonly ratio: number
}

const found = z.array(z.object({ text: z.string(), colour: z.string(), grounds: z.array(z.string()) }))

/** Runs in the page: every text that is drawn, its colour, and the backgrounds from the innermost out. */
const read = `(() => {
  const texts = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    const text = walker.currentNode.data.trim()
    if (text === '' || !element.checkVisibility()) continue
    const grounds = []
    for (let one = element; one; one = one.parentElement) grounds.push(getComputedStyle(one).backgroundColor)
    texts.push({ text: text.slice(0, 40), colour: getComputedStyle(element).color, grounds })
  }
  return texts
})()`

/** The contrast of every text that is drawn on a page. */
export async function contrasts(page: Page): Promise<Contrast[]> {
  return found.parse(await page.evaluate(read)).map(({ text, colour, grounds }) => {
    const ground = grounds.find((one) => !/^rgba\(.*, 0\)$/.test(one)) ?? 'rgb(255, 255, 255)'
    const [light = 0, dark = 0] = [luminance(colour), luminance(ground)].sort((a, b) => b - a)
    return { text, ratio: (light + 0.05) / (dark + 0.05) }
  })
}

function luminance(colour: string): number {
  const parts = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(colour)?.slice(1).map(Number)
  if (parts === undefined) throw new Error(`a colour that is not opaque: ${colour}`)
  const [red = 0, green = 0, blue = 0] = parts.map((part) => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
