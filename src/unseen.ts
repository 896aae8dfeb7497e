/** Scripts in which a joiner between letters says how they are written (The Unicode Standard, §23.2). */
const joining = [
  ...['Arab', 'Syrc', 'Mand', 'Mani', 'Nkoo', 'Adlm', 'Rohg', 'Mong', 'Phag'],
  ...['Deva', 'Beng', 'Guru', 'Gujr', 'Orya', 'Taml', 'Telu', 'Knda', 'Mlym', 'Sinh', 'Khmr', 'Mymr', 'Tibt'],
]
const joiningLetters = `[${joining.map((script) => `\\p{scx=${script}}`).join('')}]`
const picture = '\\p{Extended_Pictographic}'

/** Where a joiner or a selector has something to join or to select. */
const fitting = [
  `(?<=${joiningLetters})[\\u200c\\u200d]`,
  `(?<=(?:${picture}|\\p{Emoji_Modifier})\\ufe0f?)\\u200d(?=${picture})`,
  `(?<=${picture})[\\ufe0e\\ufe0f]`,
  '(?<=[0-9#*])\\ufe0f(?=\\u20e3)',
  '(?<=\\p{scx=Mong})[\\u180b-\\u180d\\u180f]',
].join('|')
/** Default-ignorable (tags, controls of direction, joiners, selectors, fillers), halves of pairs, interlinear marks, the empty Braille cell. */
const unseen = '[\\p{DI}\\p{Cs}\\u2800\\ufff9-\\ufffb]'

const isThere = new RegExp(unseen, 'u')
const outOfPlace = new RegExp(`(?!${fitting})${unseen}`, 'gu')

/**
 * A text without what nobody sees but an assistant reads, or what turns the direction of the text around it. Joiners and
 * selectors stay behind what they belong to: in emoji, and in scripts that are written with them.
 */
export function withoutUnseen(text: string): string {
  return isThere.test(text) ? text.replace(outOfPlace, '') : text
}
