// check reads the dashboards with Grafana's own library of data: its transformations, overrides,
// mappings, units and colours. It prints what Grafana would not show as it is meant.
//
//	node check.js ../../../dashboards
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { window } = new (require('jsdom').JSDOM)('<!doctype html>', { url: 'http://localhost/' });
for (const name of ['document', 'localStorage', 'location', 'navigator', 'HTMLElement', 'Element', 'Node', 'getComputedStyle', 'DOMParser']) {
	Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
}
globalThis.window = globalThis.self = window; // the library expects a browser
const grafana = require('@grafana/data');
const { lastValueFrom } = require('rxjs');

const transformers = new Map(Object.values(grafana.standardTransformers).map((t) => [t.id, t]));
grafana.standardTransformersRegistry.setInit(() => [...transformers.values()].map((t) => ({ id: t.id, name: t.name, transformation: async () => t })));

// The properties that an override may set, as Grafana and the panels that we use name them.
const properties = ['unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'color', 'mappings', 'thresholds', 'links',
	'custom.width', 'custom.cellOptions', 'custom.axisPlacement', 'custom.fillOpacity', 'custom.lineStyle', 'custom.stacking'];
const fieldConfigRegistry = new grafana.FieldConfigOptionsRegistry();
for (const id of properties) {
	const isCustom = id.startsWith('custom.');
	fieldConfigRegistry.register({ id, name: id, path: id.replace('custom.', ''), isCustom, process: (value) => value, shouldApply: () => true });
}
const theme = grafana.createTheme({ colors: { mode: 'dark' } });

const knownUnits = new Set(grafana.getValueFormats().flatMap((category) => category.submenu).map((format) => format.value));

let problems = 0;
function problem(...words) {
	problems++;
	console.log(...words);
}

const byName = (panel) => panel.fieldConfig.overrides.filter((o) => o.matcher.id === 'byName').map((o) => o.matcher.options);

// answers are data as Prometheus returns them for the queries of a panel: a number and one that is none.
function answers(panel) {
	if (panel.type !== 'table') {
		return panel.targets.map((t) => grafana.toDataFrame({ refId: t.refId, fields: [
			{ name: 'Time', type: 'time', values: [1, 2] },
			{ name: 'Value', type: 'number', values: [1, NaN], config: { displayNameFromDS: t.legendFormat } },
		] }));
	}
	const matrix = panel.transformations.find((t) => t.id === 'groupingToMatrix')?.options;
	const order = panel.transformations.find((t) => t.id === 'organize')?.options.indexByName;
	const labels = matrix ? [matrix.rowField, matrix.columnField] : Object.keys(order).filter((name) => !name.startsWith('Value'));
	const columns = matrix ? byName(panel).slice(1) : ['a', 'b'];
	return panel.targets.map((t) => grafana.toDataFrame({ refId: t.refId, fields: [
		{ name: 'Time', type: 'time', values: columns.map(() => 1) },
		...labels.map((name) => ({ name, type: 'string', values: name === matrix?.rowField ? columns.map(() => 'a') : columns })),
		{ name: panel.targets.length > 1 ? 'Value #' + t.refId : 'Value', type: 'number', values: columns.map((_, i) => (i ? NaN : 1)) },
	] }));
}

async function check(where, panel) {
	for (const { id } of panel.fieldConfig.overrides.flatMap((o) => o.properties)) {
		if (!properties.includes(id)) problem(where, 'overrides an unknown property:', id);
	}
	const units = [panel.fieldConfig.defaults, ...panel.fieldConfig.overrides.flatMap((o) => o.properties).map((p) => (p.id === 'unit' ? { unit: p.value } : {}))];
	for (const { unit } of units) {
		if (unit && !knownUnits.has(unit) && !unit.startsWith('suffix:')) problem(where, 'has an unknown unit:', unit);
	}
	const data = await lastValueFrom(grafana.transformDataFrame(panel.transformations ?? [], answers(panel), { interpolate: (s) => s }));
	const shown = grafana.applyFieldOverrides({ data, fieldConfig: panel.fieldConfig, fieldConfigRegistry, theme, replaceVariables: (s) => s, timeZone: 'utc' });
	const fields = shown.flatMap((frame) => frame.fields);
	if (panel.type === 'table') {
		if (shown.length !== 1) problem(where, 'is', shown.length, 'tables');
		const excluded = panel.transformations.find((t) => t.id === 'organize')?.options.excludeByName ?? {};
		for (const name of byName(panel)) {
			if (!excluded[name] && !fields.some((f) => f.name === name)) problem(where, 'has no column', name, 'but', fields.map((f) => f.name).join(', '));
		}
		for (const field of fields) {
			if (/^(Value( #.)?|Time)$/.test(field.name) && grafana.getFieldDisplayName(field, shown[0], shown) === field.name) problem(where, 'has a column without a name:', field.name);
		}
	}
	for (const field of fields.filter((f) => f.type === 'number' && f.display)) {
		if (panel.type !== 'timeseries' && grafana.formattedValueToString(field.display(NaN)) !== '–') problem(where, field.name, 'has no dash for NaN');
		for (const mapping of (field.config.mappings ?? []).filter((m) => m.type === 'value')) {
			for (const [value, { text }] of Object.entries(mapping.options)) {
				const display = field.display(Number(value));
				if (display.text !== text) problem(where, field.name, value, 'reads', display.text, 'and not', text);
				if (!/^#|^rgb/.test(display.color)) problem(where, field.name, value, 'has the colour', display.color);
			}
		}
	}
}

let panels = 0;
for (const file of fs.readdirSync(process.argv[2]).filter((name) => name.endsWith('.json'))) {
	const dashboard = JSON.parse(fs.readFileSync(path.join(process.argv[2], file), 'utf8'));
	for (const panel of dashboard.panels.flatMap((p) => (p.type === 'row' ? p.panels : [p]))) {
		panels++;
		await check(dashboard.title + ': ' + panel.title + ':', panel);
	}
}
console.log(panels, 'panels read with @grafana/data,', problems, 'problems');
process.exit(problems || panels < 60 ? 1 : 0);
