/** Every page of the dashboard and its address. Pages are loaded when they are first opened. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { arriving } from "../lib/later";
import { parseSearch, stringifySearch } from "../lib/urlState";
import { LoopPage } from "./LoopPage";
import { NotFoundPage } from "./NotFoundPage";
import { PageFailed } from "./PageFailed";
import { Shell } from "./Shell";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage, errorComponent: PageFailed });

const getParentRoute = () => root;

// `object`, since pages ask this file for their parameters: with the modules' own types the inference would go round.
function show(name: string, load: () => Promise<object>) {
  return lazyRouteComponent(() => arriving(load as () => Promise<Record<string, () => ReactNode>>), name);
}

// Not written into the call: there the routes would lose the types of their paths.
const pages = [
  createRoute({ getParentRoute, path: "/", component: LoopPage }),
  createRoute({
    getParentRoute,
    path: "/datasets",
    component: show("DatasetsPage", () => import("./datasets/DatasetsPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/datasets/$name",
    component: show("DatasetPage", () => import("./datasets/DatasetPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/datasets/$name/versions/$number",
    component: show("DatasetVersionPage", () => import("./datasets/DatasetVersionPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/datasets/$name/diff",
    component: show("DatasetDiffPage", () => import("./datasets/DatasetDiffPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/experiments",
    component: show("ExperimentsPage", () => import("./experiments/ExperimentsPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/experiments/$name",
    component: show("ExperimentPage", () => import("./experiments/ExperimentPage")),
  }),
  createRoute({ getParentRoute, path: "/runs", component: show("RunsPage", () => import("./runs/RunsPage")) }),
  createRoute({ getParentRoute, path: "/runs/$id", component: show("RunPage", () => import("./runs/RunPage")) }),
  createRoute({ getParentRoute, path: "/compare", component: show("ComparePage", () => import("./runs/ComparePage")) }),
  createRoute({ getParentRoute, path: "/sweeps/$id", component: show("SweepPage", () => import("./runs/SweepPage")) }),
  createRoute({ getParentRoute, path: "/models", component: show("ModelsPage", () => import("./models/ModelsPage")) }),
  createRoute({
    getParentRoute,
    path: "/models/$name",
    component: show("ModelPage", () => import("./models/ModelPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/models/$name/versions/$number",
    component: show("ModelVersionPage", () => import("./models/ModelVersionPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/promotions/$id",
    component: show("PromotionPage", () => import("./models/PromotionPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/endpoints",
    component: show("EndpointsPage", () => import("./endpoints/EndpointsPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/endpoints/$name",
    component: show("EndpointPage", () => import("./endpoints/EndpointPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/rollouts/$id",
    component: show("RolloutPage", () => import("./endpoints/RolloutPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/predictions/$id",
    component: show("PredictionPage", () => import("./endpoints/PredictionPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/batch-predictions",
    component: show("BatchesPage", () => import("./endpoints/BatchesPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/monitoring",
    component: show("MonitoringPage", () => import("./monitoring/MonitoringPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/monitoring/$name",
    component: show("EndpointMonitoringPage", () => import("./monitoring/EndpointMonitoringPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/alerts/$id",
    component: show("AlertPage", () => import("./monitoring/AlertPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/pipelines",
    component: show("PipelinesPage", () => import("./pipelines/PipelinesPage")),
  }),
  createRoute({
    getParentRoute,
    path: "/pipelines/$name",
    component: show("PipelinePage", () => import("./pipelines/PipelinePage")),
  }),
  createRoute({
    getParentRoute,
    path: "/pipeline-runs/$id",
    component: show("PipelineRunPage", () => import("./pipelines/PipelineRunPage")),
  }),
  createRoute({ getParentRoute, path: "/jobs", component: show("JobsPage", () => import("./jobs/JobsPage")) }),
  createRoute({ getParentRoute, path: "/jobs/$id", component: show("JobPage", () => import("./jobs/JobPage")) }),
  createRoute({ getParentRoute, path: "/events", component: show("EventsPage", () => import("./events/EventsPage")) }),
  createRoute({
    getParentRoute,
    path: "/lineage",
    component: show("LineagePage", () => import("./lineage/LineagePage")),
  }),
  createRoute({
    getParentRoute,
    path: "/settings",
    component: show("SettingsPage", () => import("./settings/SettingsPage")),
  }),
] as const;

const routeTree = root.addChildren(pages);

export function makeRouter() {
  return createRouter({
    routeTree,
    parseSearch,
    stringifySearch,
    defaultPreload: "intent",
    scrollRestoration: true,
    // In the page's place: the shell stays, and with it the ways to others and what is known of the server.
    defaultErrorComponent: PageFailed,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
