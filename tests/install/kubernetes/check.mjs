// The manifests are what the Kubernetes API takes (its own OpenAPI schemas, by kubernetes-models), what they name is there, and the programs know the flags.
//   node check.mjs MANIFESTS BIN
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
    for (const { securityContext: context, livenessProbe, readinessProbe, startupProbe } of spec.containers) {
        if (!context.readOnlyRootFilesystem || context.allowPrivilegeEscalation !== false || !context.capabilities.drop.includes('ALL'))
            complain(called(document), 'is not confined');
        if (!livenessProbe || !readinessProbe) complain(called(document), 'has no probe');
        if (String(startupProbe?.exec?.command) !== String(livenessProbe?.exec?.command)) complain(called(document), 'is killed at its start for what others do');
    }
}

const MIB = 1024 * 1024;

// What is given up is kept in the data directory, which a pod of whom too much is there is evicted for.
function deadLetters(document, spec) {
    for (const { command } of spec.containers) {
        const [, bytes] = /--dead-bytes.*?default (\d+)/s.exec(execFileSync(join(bin, command[0]), ['--help'], { encoding: 'utf8' })) ?? [];
        const [, room] = /^(\d+)Mi$/.exec(spec.volumes.find(({ name }) => name === 'scratch')?.emptyDir.sizeLimit) ?? [];
        if (bytes && room && room * MIB < 1.5 * bytes) complain(called(document), `has no room for ${bytes} bytes of dead letters and what it needs besides`);
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
    for (const { name, value } of env) if (value !== undefined) all[name] = value;
    const inside = (text) => text.replace(/(\/var\/lib|\/keys|\/etc)(?=\/|$)/, `${root}$1`);
    return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, name === 'PATH' ? value : inside(value)]));
}

const SECRETS = {
    'earshot-keys-broker': (made) => filesOf(join(made, 'broker')),
    'earshot-keys-allowed': (made) => filesOf(join(made, 'broker', 'allowed')),
    'earshot-keys-analysis': (made) => filesOf(join(made, 'analysis')),
    'earshot-metrics': () => ({ token: 'a-token-that-nobody-uses\n' }),
};
const filesOf = (dir) =>
    Object.fromEntries(readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => [name, readFileSync(join(dir, name))]));

let versions = 0;
/** As the kubelet writes a Secret, and writes it again: links through one that is replaced as a whole, in a folder that is everybody's but for the mount. */
function writeSecret(dir, files) {
    const version = `..version-${versions++}`;
    mkdirSync(join(dir, version), { recursive: true });
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir, version, name), bytes, { mode: 0o400 });
    symlinkSync(version, join(dir, '..data_tmp'));
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
    for (const name of Object.keys(files)) if (!existsSync(join(dir, name))) symlinkSync(join('..data', name), join(dir, name));
    chmodSync(dir, 0o1777);
}

const OWN_MOUNTS = ['unshare', '--mount', '--map-root-user'];
const mountsAreOurs = () => spawnSync(OWN_MOUNTS[0], [...OWN_MOUNTS.slice(1), 'true']).status === 0;

/** A container of the manifest's, with its settings, its Secrets and its mounts. */
function started(name, root, made, changed) {
    const [document] = pods.filter(({ object }) => object.metadata.name === name);
    const { containers, volumes: all } = document.object.spec.template.spec;
    const [container] = containers;
    const readOnly = [];
    for (const { name: volume, mountPath, readOnly: only } of container.volumeMounts) {
        const secret = all.find((v) => v.name === volume).secret;
        mkdirSync(join(root, mountPath), { recursive: true });
        if (secret) writeSecret(join(root, mountPath), SECRETS[secret.secretName](made));
        if (only) readOnly.push(join(root, mountPath));
    }
    const mounts = readOnly.map((dir) => `mount --bind ${dir} ${dir} && mount -o remount,bind,ro ${dir} && `).join('');
    const env = { ...environmentOf(container, root), ...changed.env };
    const flags = container.command.slice(1).map(changed.flag);
    const child = spawn(OWN_MOUNTS[0], [...OWN_MOUNTS.slice(1), 'sh', '-c', `${mounts}exec "$0" "$@"`, join(bin, container.command[0]), ...flags],
        { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const lines = [];
    const waiting = [];
    const ended = once(child, 'exit');
    createInterface(child.stderr).on('line', (line) => (lines.push(line), waiting.forEach((look) => look())));
    const says = (what) =>
        new Promise((resolve) => {
            const look = () => lines.forEach((line) => what.test(line) && resolve(what.exec(line)));
            waiting.push(look);
            look();
            ended.then(() => resolve(null));
            AbortSignal.timeout(READY_MS).onabort = () => resolve(null);
        });
    const stop = () => (child.kill('SIGTERM'), ended);
    const complainOf = (why) => complain(called(document), `${why}:\n${lines.join('\n')}`);
    return { container, says, stop, complainOf };
}

/** The broker binds what others only name, and follows the Secret of who may come: no schema knows whether it can. */
async function brokerServes(root, made) {
    const port = 20000 + 4 * Math.floor(Math.random() * 3000);
    const flag = (word) => word.replace(/^0\.0\.0\.0:\d+$/, `127.0.0.1:${port}`);
    const broker = started('broker', root, made, { flag, env: { EARSHOT_METRICS: '127.0.0.1:0' } });
    const serves = await broker.says(/"msg":"serving","broker":"tcp/);
    if (!serves) broker.complainOf('does not start with these settings');
    execFileSync(join(bin, 'earshot'), ['keygen', 'worker', 'far-1', '--keys', join(made, 'far')], { stdio: 'ignore' });
    const allowed = { ...SECRETS['earshot-keys-allowed'](made), 'far-1.pub': readFileSync(join(made, 'far', 'far-1.pub')) };
    writeSecret(join(root, 'keys/allowed'), allowed);
    if (serves && !(await broker.says(/key allowed.*worker\/far-1/))) broker.complainOf('does not let in who was put into the Secret');
    await broker.stop();
}

/** Who starts before the broker waits, and is not killed for that. */
async function actorWaits(root, made) {
    const flag = (word) => word.replace('/keys/', `${root}/keys/`);
    const actor = started('analysis', root, made, { flag, env: { EARSHOT_NAME: 'analysis-1', EARSHOT_BROKER: 'tcp://127.0.0.1:1', EARSHOT_METRICS: '127.0.0.1:0' } });
    const [, port] = (await actor.says(/"msg":"metrics","url":"http:[^"]*:(\d+)/)) ?? [];
    if (!port) actor.complainOf('does not start with these settings');
    const [program, , ...more] = actor.container.startupProbe.exec?.command ?? ['false'];
    const probe = program.replace('/usr/lib/earshot', fileURLToPath(new URL('../../../deploy/containers', import.meta.url)));
    if (port && spawnSync(probe, [port, ...more]).status !== 0) actor.complainOf('is killed where no broker is there at its start');
    await actor.stop();
}

async function running() {
    if (!mountsAreOurs()) return console.error('kubernetes: no mounts of our own here: what runs was not checked');
    const root = mkdtempSync(join(tmpdir(), 'earshot-kube-'));
    const made = join(root, 'made');
    const keys = fileURLToPath(new URL('../../../deploy/containers/keys', import.meta.url));
    try {
        execFileSync('sh', [keys, made, 'edge', 'analysis'], { env: { ...process.env, PATH: `${bin}:${process.env.PATH}` }, stdio: 'ignore' });
        await brokerServes(join(root, 'broker'), made);
        await actorWaits(join(root, 'analysis'), made);
    } finally {
        rmSync(root, { recursive: true, force: true });
    }
}

for (const document of objects) await schema(document);
types();
kustomization();
services();
for (const document of pods) for (const look of [volumes, confined, deadLetters, flags]) look(document, document.object.spec.template.spec);
await running();

for (const complaint of complaints) console.error(`kubernetes: ${complaint}`);
if (!complaints.length) console.log(`kubernetes: ${objects.length} objects in ${files.length} files are as the API wants them`);
process.exit(complaints.length ? 1 : 0);
