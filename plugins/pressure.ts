import { getHeapStatistics } from 'node:v8'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import type { LimitsOptions } from '../src/config/limits.ts'

/** Sheds load while the process cannot keep up. */
export interface Pressure {
  /** Has the routes of a scope answer 503 with Retry-After under pressure. */
  protect(scope: FastifyInstance): Promise<void>
  /** Whether they do now. */
  isOver(): boolean
}

/** Seconds after which those come back who were refused. */
const comeBack = 10

/** Makes the protection that the options ask for, with `@fastify/under-pressure`; a scope has to be encapsulated. */
export function createPressure(options: LimitsOptions['pressure']): Pressure {
  let isOver = () => false
  return {
    async protect(scope) {
      await scope.register(underPressure, {
        maxEventLoopDelay: options.eventLoopDelay,
        maxHeapUsedBytes: options.heapUsed * getHeapStatistics().heap_size_limit,
        maxEventLoopUtilization: options.eventLoopUtilization,
        eventLoopUtilizationMode: 'interval',
        retryAfter: comeBack,
      })
      isOver = () => scope.isUnderPressure()
    },
    isOver: () => isOver(),
  }
}
