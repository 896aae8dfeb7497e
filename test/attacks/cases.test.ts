import { expect, it } from 'vitest'
import { cases } from './cases.ts'

it('20,000 cases and more are generated in one run', () => {
  const sum = Object.values(cases).reduce((all, one) => all + one, 0)
  expect(sum).toBeGreaterThanOrEqual(20_000)
})
