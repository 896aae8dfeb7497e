import type { DataType } from '../open-mhealth/data-types.ts'
import { oneLine } from '../results/line.ts'
import { isStatisticWord } from '../results/own-words.ts'
import { inert } from '../results/quoted.ts'
import { type Unit, ucum } from '../results/values.ts'

/** UCUM codes as people write them. */
const units: Readonly<Record<string, string>> = {
  'mm[Hg]': 'mmHg',
  Cel: '°C',
  '[degF]': '°F',
  '[lb_av]': 'lb',
  '[oz_av]': 'oz',
  '[mi_i]': 'mi',
  '{steps}': 'steps',
  '{steps}/(24.h)': 'steps in 24 h',
  '{steps}/min': 'steps/min',
  '{MET}': 'MET',
  '/min': 'per min',
  '1': '',
}
const perMinute: Readonly<Record<string, string>> = {
  'heart-rate': 'beats/min',
  'respiratory-rate': 'breaths/min',
}
const code = /^[\w.:-]{1,40}$/
/** What the letters of the pictures do not have (Inter, Latin). */
const unwritable = /[^\u0020-\u007e\u00a0-\u00ff\u2013\u2014\u2018-\u201e\u2026\u20ac\u2122\u2212]/gu

/** A text as a picture can show it: one short line, in letters that it has, without a link that works. */
export function writable(text: string, most: number): string {
  return oneLine(inert(text.replaceAll('μ', 'µ').replace(unwritable, '?')), most)
}

/** The unit of an axis; empty where there is none. */
export function unitText({ system, code, label }: Unit, type: DataType | undefined): string {
  const coded = system === ucum && code !== undefined ? code : label
  const own = coded === '/min' && type !== undefined ? perMinute[type.name] : undefined
  return own ?? units[coded] ?? writable(coded, 24)
}

/** A statistic in words of ours; any other text is only said to be one. */
export function statisticWord(statistic: string): string {
  return isStatisticWord(statistic) ? statistic : 'a statistic'
}

/**
 * What a component is called: a member of its type by its name, any other by its code. `key` is that of `nameOfComponent`.
 */
export function componentWord(key: string, type: DataType | undefined): string {
  const path = key.slice(key.lastIndexOf('|') + 1)
  const isMember = type?.members.some((member) => member.path === path) ?? false
  if (!isMember) return code.test(path) ? path : 'another value'
  return (path.split('.').at(-1) ?? path).replaceAll('_', ' ')
}
