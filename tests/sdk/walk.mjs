// The whole walk with the TypeScript SDK: `node walk.mjs URL TOKEN`, a table on standard input; tells what it came to.
import { readFileSync } from "node:fs";
import { Problem, connect } from "../../sdk/typescript/dist/client.js";

const [url, token] = process.argv.slice(2);
const client = connect(url, token);
const settled = async (subject) => {
  for (const job of (await client.listJobs({ query: { subject, limit: 100 } })).items)
    if (job.state === "queued" || job.state === "running") await client.finished(job);
};

const form = new FormData();
form.append("files", new Blob([readFileSync(0)]), "rides.csv");
form.append("message", "from Node");
await client.createDataset({ body: { name: "rides" } });
const version = await client.createDatasetVersion({ path: { name: "rides" }, body: form });
await settled(`datasets/rides/versions/${version.number}`);
const checked = await client.getDatasetVersion({ path: { name: "rides", number: "1" } });

await client.createExperiment({ body: { name: "study" } });
const spec = { dataset: "rides@1", trainer: "linear", task: "regression", target: "rides" };
const training = await client.startRun({ path: { name: "study" }, body: spec });
await client.finished(training);
const run = await client.getRun({ path: { run_id: training.subject.split("/")[1] } });

const policy = { gates: [{ gate: "metric", metric: "mae", max: 20 }] };
await client.createModel({ body: { name: "rides", task: "regression", target: "rides", policy } });
await client.addModelVersion({ path: { name: "rides" }, body: { run_id: run.id } });
await settled("models/rides");
await client.finished(await client.requestPromotion({ path: { name: "rides", number: 1 } }));
const endpoint = await client.putEndpoint({ path: { name: "rides" }, body: { model: "rides" } });
if (endpoint.rollout_id) {
  const rollout = await client.getRollout({ path: { rollout_id: endpoint.rollout_id } });
  await client.finished({ id: rollout.job_id });
}

const answer = await client.predict("rides", [{ temp: 20, hour: 8 }]);
let lineage;
for (let tries = 0; lineage?.links === undefined; tries += 1) {
  try {
    lineage = await client.getPredictionLineage({ path: { prediction_id: answer.ids[0] } });
    if (lineage.links === undefined) await client.finished(lineage); // a job looks for it first
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404 || tries > 100) throw error;
    await new Promise((resolve) => setTimeout(resolve, 100)); // not written down yet
  }
}
const refusal = await connect(url, "wrong").whoami().catch((error) => error);
const told = { state: checked.state, message: checked.message, run: run.state, predictions: answer.predictions };
console.log(JSON.stringify({ ...told, links: lineage.links.map((link) => link.subject), refused: refusal.status }));
