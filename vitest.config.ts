import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/live/**'],
    restoreMocks: true,
    testTimeout: 20_000,
    coverage: {
      include: ['src/**/*.ts', 'plugins/**/*.ts'],
      exclude: ['src/demo/**'],
      thresholds: {
        lines: 90,
        statements: 90,
        functions: 90,
        branches: 85,
        'src/access/**': { 100: true },
        'src/identity/**': { 100: true },
      },
    },
  },
})
