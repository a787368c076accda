// The slots of croner, as a wall clock without clock changes shows them: reads {"from", "to", "expressions"} and writes an object of
// lists, or an error in place of a list.
//
//     node croner.cjs MODULE < questions.json

const {Cron} = require(process.argv[2]);
const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const answers = {};
for (const expression of asked.expressions) {
  const slots = [];
  try {
    const cron = new Cron(expression, {timezone: 'UTC', paused: true});
    let at = new Date(asked.from);
    for (;;) {
      at = cron.nextRun(at);
      if (at === null || at >= new Date(asked.to)) break;
      slots.push(at.toISOString().slice(0, 19));
    }
    answers[expression] = slots;
  } catch (error) {
    answers[expression] = String(error);
  }
}
process.stdout.write(JSON.stringify(answers));
