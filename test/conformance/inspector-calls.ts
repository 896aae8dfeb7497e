const patient = { patient_id: 'pat-2' }

/** A call of each tool that answers on the demo's embedded exchange, for its manager. */
export const inspectorCalls: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  get_my_access: {},
  get_study_count: {},
  list_studies: {},
  get_study_metadata: { study_id: 'study-a' },
  list_study_patients: { study_id: 'study-a', limit: 2 },
  search_patients: { study_id: 'study-a', family: 'Achebe' },
  get_patient_demographics: patient,
  get_patient_date_range: patient,
  get_patient_observations: { ...patient, data_type: 'heart-rate', limit: 2 },
  count_patient_observations: patient,
  count_study_observations: { study_id: 'study-a' },
  summarize_patient_observations: { ...patient, data_type: 'heart-rate' },
  chart_patient_observations: { ...patient, data_types: ['heart-rate'] },
  summarize_study_observations: { study_id: 'study-a', data_type: 'heart-rate', by: 'week' },
  get_data_type: { data_type: 'heart-rate' },
  get_server_capabilities: {},
}
