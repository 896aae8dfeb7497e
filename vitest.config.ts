import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/live/**'],
    restoreMocks: true,
    testTimeout: 20_000,
    // Half of the time goes by waiting for processes and sockets, so no core is left out for it.
    maxWorkers: '100%',
    // Gateways of tests leave their records where those of nobody are.
    env: { XDG_STATE_HOME: join(tmpdir(), 'fhir-mcp-tests') },
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
