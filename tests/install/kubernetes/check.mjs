// The manifests are what the Kubernetes API takes (its own OpenAPI schemas, by kubernetes-models), what they name is there, and the programs know the flags.
//   node check.mjs MANIFESTS BIN
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';

const [manifests, bin] = process.argv.slice(2);
const complaints = [];
const complain = (what, why) => complaints.push(`${what}: ${why}`);

const files = readdirSync(manifests).filter((name) => name.endsWith('.yaml'));
const documents = files.flatMap((file) => {
    return parseAllDocuments(readFileSync(join(manifests, file), 'utf8')).map((document) => {
        for (const error of document.errors) complain(file, error.message);
        return { file, object: document.toJS() };
    });
});
const objects = documents.filter(({ object }) => object.kind !== 'Kustomization');
const called = ({ file, object }) => `${file} ${object.kind}/${object.metadata?.name}`;

async function schema(document) {
    const { apiVersion, kind } = document.object;
    const models = await import(`kubernetes-models/${apiVersion}`).catch(() => ({}));
    if (!models[kind]) return complain(called(document), `there is no ${apiVersion} ${kind}`);
    try {
        new models[kind](document.object).validate();
    } catch (error) {
        complain(called(document), error.message);
    }
}

// The validators let unknown properties pass, the types do not: the objects as literals, compiled.
function types() {
    const lines = objects.map(({ object: { apiVersion, kind, ...rest } }, i) => {
        return `import { ${kind} as K${i} } from 'kubernetes-models/${apiVersion}'; new K${i}(${JSON.stringify(rest)});`;
    });
    const name = fileURLToPath(new URL('manifests.ts', import.meta.url));
    const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, noEmit: true, skipLibCheck: true, strict: true, types: [] };
    const host = ts.createCompilerHost(options);
    const { getSourceFile } = host;
    const source = ts.createSourceFile(name, lines.join('\n'), ts.ScriptTarget.ESNext, true);
    host.getSourceFile = (file, ...more) => (file === name ? source : getSourceFile.call(host, file, ...more));
    for (const { start, messageText } of ts.getPreEmitDiagnostics(ts.createProgram([name], options, host), source)) {
        const { line } = source.getLineAndCharacterOfPosition(start);
        complain(called(objects[line]), ts.flattenDiagnosticMessageText(messageText, ' '));
    }
}

// ---- what the schemas cannot know ----

const pods = objects.filter(({ object }) => object.spec?.template?.spec);
const labels = (object) => object.spec.template.metadata.labels;
const fits = (selector, of) => Object.entries(selector).every(([key, value]) => of[key] === value);
const ofKind = (kind) => objects.filter(({ object }) => object.kind === kind);

function kustomization() {
    const [{ object }] = documents.filter((document) => document.object.kind === 'Kustomization');
    const wanted = files.filter((file) => file !== 'kustomization.yaml').sort().join(' ');
    if ([...object.resources].sort().join(' ') !== wanted) complain('kustomization.yaml', `lists other files than ${wanted}`);
}

function services() {
    for (const document of ofKind('Service')) {
        const chosen = pods.filter(({ object }) => fits(document.object.spec.selector, labels(object)));
        if (chosen.length !== 1) complain(called(document), `chooses the pods of ${chosen.length}`);
        const ports = chosen[0]?.object.spec.template.spec.containers.flatMap((container) => container.ports ?? []) ?? [];
        for (const { name, port, targetPort } of document.object.spec.ports)
            if (!ports.some((p) => p.name === targetPort && p.containerPort === port)) complain(called(document), `port ${name} leads nowhere`);
    }
    for (const document of [...ofKind('PodDisruptionBudget'), ...pods]) {
        const { matchLabels } = document.object.spec.selector;
        const own = document.object.spec.template ? [document] : pods;
        if (!own.some(({ object }) => fits(matchLabels, labels(object)))) complain(called(document), 'its selector chooses nothing');
    }
}

function volumes(document, spec) {
    const made = new Set(spec.volumes.map((volume) => volume.name));
    for (const claim of document.object.spec.volumeClaimTemplates ?? []) made.add(claim.metadata.name);
    for (const container of spec.containers) {
        const mounted = new Set(container.volumeMounts.map((mount) => mount.name));
        for (const name of mounted) if (!made.has(name)) complain(called(document), `mounts ${name}, which is not there`);
        for (const name of made) if (!mounted.has(name)) complain(called(document), `has ${name}, which nobody mounts`);
    }
}

function confined(document, spec) {
    if (!spec.securityContext.runAsNonRoot || spec.automountServiceAccountToken !== false) complain(called(document), 'is not confined');
    for (const { securityContext: context, livenessProbe, readinessProbe } of spec.containers) {
        if (!context.readOnlyRootFilesystem || context.allowPrivilegeEscalation !== false || !context.capabilities.drop.includes('ALL'))
            complain(called(document), 'is not confined');
        if (!livenessProbe || !readinessProbe) complain(called(document), 'has no probe');
    }
}

// As --help-words tells them: the flag, what it takes, the choices.
function flags(document, spec) {
    for (const { command } of spec.containers) {
        const words = execFileSync(join(bin, command[0]), ['--help-words'], { encoding: 'utf8' }).trim().split('\n');
        const known = new Set(words.map((line) => line.split('\t')[0]));
        for (const word of command.slice(1).filter((text) => text.startsWith('--')))
            if (!known.has(word.split('=')[0])) complain(called(document), `${command[0]} has no option ${word}`);
    }
}

// ---- does it run? ----

const READY_MS = 15_000;

/** What the settings give a container, each folder of it inside `root`, each port a free one. */
function environmentOf({ envFrom = [], env = [] }, root) {
    const all = { PATH: process.env.PATH };
    for (const { configMapRef } of envFrom)
        Object.assign(all, ofKind('ConfigMap').find(({ object }) => object.metadata.name === configMapRef.name).object.data);
    for (const { name, value } of env) all[name] = value;
    const inside = (text) => text.replace(/(\/var\/lib|\/keys|\/etc)(?=\/|$)/, `${root}$1`);
    return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, name === 'PATH' ? value : inside(value)]));
}

/** The broker binds what others only name: no schema knows whether it can. */
async function brokerStarts() {
    const root = mkdtempSync(join(tmpdir(), 'earshot-kube-'));
    const keys = fileURLToPath(new URL('../../../deploy/containers/keys', import.meta.url));
    const [document] = pods.filter(({ object }) => object.metadata.name === 'broker');
    const [container] = document.object.spec.template.spec.containers;
    try {
        execFileSync('sh', [keys, join(root, 'made'), 'edge'], { env: { ...process.env, PATH: `${bin}:${process.env.PATH}` }, stdio: 'ignore' });
        execFileSync('cp', ['-r', join(root, 'made', 'broker'), join(root, 'keys')]);
        execFileSync('mkdir', ['-p', join(root, 'var/lib/earshot'), join(root, 'etc/earshot-metrics')]);
        writeFileSync(join(root, 'etc/earshot-metrics/token'), 'a-token-that-nobody-uses\n', { mode: 0o600 });
        const env = environmentOf(container, root);
        env.EARSHOT_METRICS = env.EARSHOT_METRICS.replace(/\d+$/, '0');
        const port = 20000 + 4 * Math.floor(Math.random() * 3000);
        const flags = container.command.slice(1).map((word) => word.replace(/^0\.0\.0\.0:\d+$/, `127.0.0.1:${port}`));
        const broker = spawn(join(bin, container.command[0]), flags, { env, stdio: ['ignore', 'ignore', 'pipe'] });
        const ended = once(broker, 'exit');
        const lines = [];
        const serving = new Promise((resolve) => {
            createInterface(broker.stderr).on('line', (line) => (lines.push(line), /"msg":"serving"/.test(line) && resolve(true)));
            ended.then(() => resolve(false));
            AbortSignal.timeout(READY_MS).onabort = () => resolve(false);
        });
        if (!(await serving)) complain(called(document), `does not start with these settings:\n${lines.join('\n')}`);
        broker.kill('SIGTERM');
        await ended;
    } finally {
        rmSync(root, { recursive: true, force: true });
    }
}

for (const document of objects) await schema(document);
types();
kustomization();
services();
for (const document of pods) for (const look of [volumes, confined, flags]) look(document, document.object.spec.template.spec);
await brokerStarts();

for (const complaint of complaints) console.error(`kubernetes: ${complaint}`);
if (!complaints.length) console.log(`kubernetes: ${objects.length} objects in ${files.length} files are as the API wants them`);
process.exit(complaints.length ? 1 : 0);
