import { defineConfig } from 'vitest/config'

/** Suites against live servers; they say what they need and what they skipped. */
export default defineConfig({
  test: {
    include: ['test/live/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    reporters: ['verbose'],
  },
})
