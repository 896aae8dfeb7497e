import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What a person of the exchange reaches, by its own tables. */
export interface PersonReach {
  readonly isPatient: boolean
  /** The own patient of a patient user. */
  readonly own: string | undefined
  readonly studies: readonly string[]
  /** Patients of the person's organizations. */
  readonly ofOrganizations: readonly string[]
  readonly enrolled: Readonly<Record<string, readonly string[]>>
}

/** How many observations of one code count. */
export interface CodeFigures {
  readonly code: string
  readonly n: number
}

/** Questions to the database of a JupyterHealth Exchange, asked by `psql`; ids are numbers. */
export interface ExchangeDatabase {
  reachOf(email: string): Promise<PersonReach>
  /** Types that a study requests, as Open mHealth codes. */
  requestedTypes(study: string): Promise<string[]>
  /** Observations per code of these patients, of these codes alone where given; no error, no cancelled ones. */
  observations(patients: readonly string[], codes?: readonly string[]): Promise<CodeFigures[]>
  /** How many resources of a type were imported of a patient; of Observations, by the same rule. */
  imported(patient: string, type?: string): Promise<number>
  /** Mean of `body.<member>.value` over the observations of one code. */
  mean(patients: readonly string[], code: string, member: string): Promise<number>
  /** A patient whom nobody of these reaches. */
  patientOutside(reached: readonly string[]): Promise<string | undefined>
}

/** The database at a connection string; the role has to read the tables of the exchange. */
export function exchangeDatabase(connection: string): ExchangeDatabase {
  const rows = async <Row>(sql: string): Promise<Row[]> => {
    const query = `select coalesce(json_agg(t), '[]'::json) from (${sql}) t`
    const { stdout } = await run('psql', ['-XAtq', '-d', connection, '-c', query], {
      maxBuffer: 100_000_000,
    })
    return JSON.parse(stdout) as Row[]
  }
  const ids = async (sql: string) => (await rows<{ id: number }>(sql)).map(({ id }) => String(id))
  const counted = "o.status not in ('entered-in-error', 'cancelled')"

  return {
    async reachOf(email) {
      const who = `(select id from core_jheuser where email = ${text(email)})`
      const [own] = await ids(`select id from core_patient where jhe_user_id = ${who}`)
      if (own !== undefined)
        return { isPatient: true, own, studies: [], ofOrganizations: [own], enrolled: {} }
      const organizations = `(select organization_id from core_practitionerorganization where practitioner_id in (select id from core_practitioner where jhe_user_id = ${who}))`
      const studies = await ids(`select id from core_study where organization_id in ${organizations}`)
      const enrolled: Record<string, string[]> = {}
      for (const study of studies)
        enrolled[study] = await ids(
          `select patient_id as id from core_studypatient where study_id = ${number(study)}`,
        )
      return {
        isPatient: false,
        own: undefined,
        studies,
        ofOrganizations: await ids(
          `select distinct patient_id as id from core_patientorganization where organization_id in ${organizations}`,
        ),
        enrolled,
      }
    },
    async requestedTypes(study) {
      const found = await rows<{ code: string }>(
        `select c.coding_code as code from core_studyscoperequest r join core_codeableconcept c on c.id = r.scope_code_id where r.study_id = ${number(study)}`,
      )
      return found.map(({ code }) => code)
    },
    observations: (patients, codes) =>
      patients.length === 0
        ? Promise.resolve([])
        : rows<CodeFigures>(
            `select c.coding_code as code, count(*)::int as n from core_observation o join core_codeableconcept c on c.id = o.codeable_concept_id where ${counted} and o.subject_patient_id in (${patients.map(number).join(',')}) ${codes === undefined ? '' : `and c.coding_code in (${codes.map(text).join(',') || "''"})`} group by 1 order by 1`,
          ),
    async imported(patient, type = 'Observation') {
      const counts =
        type === 'Observation'
          ? " and coalesce(r.fhir_data->>'status', '') not in ('entered-in-error', 'cancelled')"
          : ''
      const [found] = await rows<{ n: number }>(
        `select count(*)::int as n from core_fhirauxresource r join core_fhirsource s on s.id = r.fhir_source_id where r.resource_type = ${text(type)}${counts} and s.patient_id = ${number(patient)}`,
      )
      return found?.n ?? 0
    },
    async mean(patients, code, member) {
      const [found] = await rows<{ mean: number }>(
        `select avg((o.omh_data->'body'->${text(member)}->>'value')::numeric)::float as mean from core_observation o join core_codeableconcept c on c.id = o.codeable_concept_id where ${counted} and c.coding_code = ${text(code)} and o.subject_patient_id in (${patients.map(number).join(',')})`,
      )
      if (found === undefined) throw new Error('The database has no mean')
      return found.mean
    },
    async patientOutside(reached) {
      const [one] = await ids(
        `select id from core_patient where id not in (${reached.map(number).join(',') || '0'}) order by id limit 1`,
      )
      return one
    },
  }
}

/** The sum over codes. */
export function sumOf(figures: readonly CodeFigures[]): number {
  return figures.reduce((sum, { n }) => sum + n, 0)
}

function number(id: string): string {
  if (!/^\d{1,15}$/.test(id)) throw new TypeError('An id of the exchange is a number')
  return id
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}
