import { z } from 'zod'
import { isSecretsEndpoint } from '../loopback.ts'

/** A URL of any web server. Whoever takes one asks what may travel in the clear. */
export const httpUrl = z.url({ protocol: /^https?$/ })

/** A URL that tokens, keys or secrets travel to or from: https, or http on this machine alone. */
export const secureUrl = httpUrl.refine(
  isSecretsEndpoint,
  'must be an https URL (http on loopback alone) without credentials or fragment',
)

export const seconds = (fallback: number, about: string, most = Number.MAX_SAFE_INTEGER) =>
  z.number().nonnegative().max(most).default(fallback).describe(`${about}, in seconds`)

export const milliseconds = (fallback: number, about: string) =>
  z.number().int().positive().default(fallback).describe(`${about}, in milliseconds`)

/** Names or origins that are compared letter by letter: a pattern among them would match nothing, or be taken for everything. */
export const exactNames = z
  .array(z.string().refine((name) => /^[^*\s]+$/.test(name), 'must be a name, without * and without blanks'))
  .default([])

/** Counts in a minute; 0 switches a limit off. */
export const perMinute = (fallback: number, about: string) =>
  z.number().int().nonnegative().default(fallback).describe(`${about} in a minute; 0: any number`)
