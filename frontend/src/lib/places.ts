/** Where the dashboard shows what an event, a job or a graph is about. */

const PLACES = [
  /^(datasets|models)\/[^/]+\/versions\/\d+$/,
  /^(datasets|experiments|models|endpoints|pipelines)\/[^/]+$/,
  /^(runs|sweeps|promotions|rollouts|predictions|alerts|pipeline-runs|jobs)\/[^/]+$/,
];

/** "datasets/bikes/versions/3" -> "/datasets/bikes/versions/3"; undefined for what has no page. */
export function placeOf(subject: string): string | undefined {
  return PLACES.some((shape) => shape.test(subject))
    ? `/${subject.split("/").map(encodeURIComponent).join("/")}`
    : undefined;
}
