import { createMesh } from '@weft/client-sdk';

/** What a question that memory answers costs, in us. */
export async function discover({
  registry,
  service,
  questions,
}: {
  registry: string;
  service: string;
  questions: number;
}): Promise<number> {
  const mesh = createMesh({ registry });
  try {
    for (let i = 0; i < 5000; i += 1) await mesh.discover(service);
    const start = performance.now();
    for (let i = 0; i < questions; i += 1) await mesh.discover(service);
    return ((performance.now() - start) * 1000) / questions;
  } finally {
    mesh.close();
  }
}

/** The same of a function that has the answer. */
export async function answered(questions: number): Promise<number> {
  const answer = { instances: [] };
  const ask = async (_service: string) => answer;
  for (let i = 0; i < 5000; i += 1) await ask('x');
  const start = performance.now();
  for (let i = 0; i < questions; i += 1) await ask('x');
  return ((performance.now() - start) * 1000) / questions;
}
