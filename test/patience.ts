/** How long a test waits for what has to come, in milliseconds: longer than any machine under load needs. */
export const patience = 120_000
