import type { Activity, Factory, FactoryFolder, Finding, Pipeline } from '../load/factory.ts';
import { innerActivities } from '../load/inner-activities.ts';
import { newReport } from './report.ts';

/** Where a factory may be deployed. */
export const targets = ['adf', 'synapse', 'fabric', 'databricks'] as const;
export type Target = (typeof targets)[number];

const names: Readonly<Record<Target, string>> = {
  adf: 'Data Factory',
  synapse: 'Synapse',
  fabric: 'Fabric',
  databricks: 'Databricks',
};

/** Types of activities that a target does not have, with what it has instead. */
const missing: Readonly<Record<Target, Readonly<Record<string, string>>>> = {
  adf: {
    TridentNotebook: 'DatabricksNotebook, or SynapseNotebook with a linked service of type AzureSynapseArtifacts',
    SqlPoolStoredProcedure: 'SqlServerStoredProcedure',
  },
  synapse: { TridentNotebook: 'SynapseNotebook' },
  fabric: { SynapseNotebook: 'TridentNotebook', SqlPoolStoredProcedure: 'SqlServerStoredProcedure' },
  databricks: {},
};

/**
 * What of a factory would not deploy to a target, by the documentation of the targets. Says nothing of what deploys and
 * would fail there.
 */
export function validateTarget(factory: Factory, target: Target): readonly Finding[] {
  return factory.folders.flatMap((folder) => {
    const pipelines = [...folder.pipelines.values()].flatMap((pipeline) => checkPipeline(pipeline, folder, target));
    return [...pipelines, ...(target === 'fabric' ? checkForFabric(folder) : [])];
  });
}

function checkPipeline(pipeline: Pipeline, folder: FactoryFolder, target: Target): readonly Finding[] {
  const whole = newReport(pipeline.file);
  if (target === 'databricks') {
    whole.say(
      'error',
      'FACTORY_UNSUPPORTED',
      `${names[target]} runs no Data Factory pipelines`,
      undefined,
      'call its notebooks from a Databricks job',
    );
    return whole.findings;
  }
  const visit = (activity: Activity): readonly Finding[] => {
    const report = newReport(pipeline.file, activity.name, activity.place);
    const instead = Object.hasOwn(missing[target], activity.type) ? missing[target][activity.type] : undefined;
    if (instead !== undefined)
      report.say('error', 'FACTORY_UNSUPPORTED', `${names[target]} has no activity ${activity.type}`, undefined, `it has ${instead}`);
    if (target === 'adf' && activity.type === 'SynapseNotebook' && activity.linkedService === undefined)
      report.say(
        'error',
        'FACTORY_UNSUPPORTED',
        'Data Factory needs a linked service for SynapseNotebook',
        undefined,
        'one of type AzureSynapseArtifacts',
      );
    if (target === 'fabric') {
      for (const { name } of [...activity.inputs, ...activity.outputs])
        if (folder.datasets.has(name.toLowerCase()))
          report.say('error', 'FACTORY_UNSUPPORTED', `Fabric has no datasets: '${name}' must become datasetSettings of the activity`);
      if (activity.linkedService !== undefined)
        report.say(
          'error',
          'FACTORY_UNSUPPORTED',
          `Fabric has no linked services: '${activity.linkedService.name}' must become a connection`,
        );
    }
    return [...report.findings, ...innerActivities(activity, pipeline).flat().flatMap(visit)];
  };
  return pipeline.activities.flatMap(visit);
}

/** Fabric's pipelines are items of a workspace: what stands beside them in Data Factory does not come along. */
function checkForFabric(folder: FactoryFolder): readonly Finding[] {
  const kinds: readonly (readonly [ReadonlyMap<string, { readonly file: string }>, string])[] = [
    [folder.datasets, 'Fabric has no datasets: their settings stand in the activities'],
    [folder.linkedServices, 'Fabric has no linked services: make a connection in its workspace'],
    [folder.triggers, 'Fabric has no trigger files: set the schedule at the pipeline'],
  ];
  return kinds.flatMap(([all, message]) =>
    [...all.values()].flatMap(({ file }) => {
      const report = newReport(file);
      report.say('warning', 'FACTORY_UNSUPPORTED', message);
      return report.findings;
    }),
  );
}
