/** A `fetch` that puts a token into each request; none where there is none. */
export function bearing(token: () => string | undefined) {
  return (input: string | URL, init?: RequestInit): Promise<Response> => {
    const headers = new Headers(init?.headers)
    const given = token()
    if (given !== undefined) headers.set('authorization', `Bearer ${given}`)
    return fetch(input, { ...init, headers })
  }
}
