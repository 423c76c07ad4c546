export { doctorCommand, examine } from './doctor.ts';
export type { Finding } from './finding.ts';
