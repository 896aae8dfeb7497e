import type { FhirVersion } from '../../src/fhir/types.ts'
import { expectValidAnswer } from '../fhir-validation.ts'
import type { TestClient } from './clients.ts'

/** A client whose every answer, errors and resources too, has to be valid FHIR of this version. */
export function validClient(client: TestClient, version: FhirVersion): TestClient {
  return {
    ...client,
    async call(...given) {
      const called = await client.call(...given)
      expectValidAnswer(called.structured, version)
      return called
    },
    async readResource(uri) {
      const text = await client.readResource(uri)
      if (text.startsWith('{')) expectValidAnswer(JSON.parse(text), version)
      return text
    },
  }
}
