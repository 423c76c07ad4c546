import * as z from 'zod';
import type { Operation } from '../operation.ts';

export const descriptionOperations = {
  getOpenApi: {
    method: 'GET',
    path: '/openapi.json',
    opens: 'public',
    summary: 'Read this description (OpenAPI 3.1)',
    status: 200,
    reply: z.record(z.string(), z.unknown()),
  },
} as const satisfies Record<string, Operation>;
