import { z } from 'zod'

export const httpUrl = z.url({ protocol: /^https?$/ })

export const seconds = (fallback: number, about: string) =>
  z.number().nonnegative().default(fallback).describe(`${about}, in seconds`)

export const milliseconds = (fallback: number, about: string) =>
  z.number().int().positive().default(fallback).describe(`${about}, in milliseconds`)

/** Counts in a minute; 0 switches a limit off. */
export const perMinute = (fallback: number, about: string) =>
  z.number().int().nonnegative().default(fallback).describe(`${about} in a minute; 0: any number`)
