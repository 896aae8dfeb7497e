import type { FastifySchema } from 'fastify'

/** Schema of every route here: `@fastify/swagger` leaves it out, it is no part of the gateway's own API. */
export const hidden: FastifySchema & { readonly hide: true } = { hide: true }
