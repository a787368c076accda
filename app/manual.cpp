#include "app/manual.hpp"

#include <algorithm>
#include <cctype>
#include <span>

#include "app/manual_texts.hpp"
#include "jobs/config_keys.hpp"

namespace sluice::app {
namespace {

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text) + "\\fR"; }

/// "pgsluice loads show" is on the page pgsluice-loads.
std::string page_of(const std::string& path) {
  std::string name = path;
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string in_capitals(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string heading(const std::string& page, const std::string& section,
                    const std::string& version) {
  return ".\\\" Made by pgsluice from its own commands.\n.TH " + roff(in_capitals(page)) + " " +
         section + " \"\" \"pgsluice " + roff(version) + "\" \"pgsluice\"\n";
}

/// Its lines, each as one, but for those that end within a sentence.
std::string lines_of(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; ++at)
    if (at > 0 && text[at - 1] != '.') text[at] = ' ';
  std::string made;
  for (text += '\n'; !text.empty(); text.erase(0, text.find('\n') + 1)) {
    const std::string line = text.substr(0, text.find('\n'));
    if (line.empty()) continue;
    made += (made.empty() ? "" : ".br\n") + roff(line) + "\n";
  }
  return made;
}

/// "--jobs N", "--trim[=all]", "--header match|skip|none"
std::string tag_of(const ShownOption& option) {
  std::string tag;
  for (const std::string& name : option.names)
    tag += (tag.empty() ? "" : ", ") + (option.is_positional ? italic(name) : bold(name));
  if (option.is_positional || option.value.empty()) return tag;
  const bool is_attached = option.value.starts_with("[");
  return tag + (is_attached ? "" : " ") + italic(option.value);
}

std::string sentence(std::string text) {
  if (!text.empty())
    text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text.ends_with('.') ? text : text + ".";
}

std::string item(const std::string& tag, const std::string& text) {
  return ".TP\n" + tag + "\n" + (text.empty() ? "\\&\n" : lines_of(text));
}

std::string synopsis(const ShownCommand& command) {
  const std::string whole = synopsis_of(command);
  return bold(command.path) + roff(whole.substr(command.path.size())) + "\n";
}

/// Arguments and flags; `title` is the macro of a group's title.
std::string options_of(const ShownCommand& command, const std::string& title) {
  std::string text;
  for (const ShownOption& one : command.positionals) text += item(tag_of(one), one.help);
  for (const ShownGroup& group : command.groups) {
    if (command.groups.size() > 1) text += title + " \"" + roff(group.title) + "\"\n";
    for (const ShownOption& one : group.options) text += item(tag_of(one), one.help);
  }
  return text;
}

/// A command below the page's own, with those below it.
std::string below(const ShownCommand& command) {
  std::string text = ".SS \"" + roff(command.path) + "\"\n" + lines_of(sentence(command.help)) +
                     ".PP\n" + synopsis(command);
  text += options_of(command, ".PP\n");
  if (!command.footer.empty()) text += ".PP\n" + lines_of(command.footer);
  for (const ShownCommand& sub : command.subcommands) text += below(sub);
  return text;
}

std::string examples_of(const std::string& path) {
  std::string text;
  for (const Example& example : manual_examples) {
    if (example.path != path) continue;
    text += (text.empty() ? "" : ".PP\n") + roff(std::string(example.says)) +
            "\n.PP\n.RS 4\n.nf\n" + roff(std::string(example.command)) + "\n.fi\n.RE\n";
  }
  return text.empty() ? "" : ".SH EXAMPLES\n" + text;
}

std::string exit_status() {
  std::string text = ".SH EXIT STATUS\n";
  for (const ExitStatus& status : exit_statuses)
    text += item(bold(std::to_string(status.code)), std::string(status.says));
  return text + item(bold("130") + ", " + bold("143"), "interrupted; can be resumed");
}

std::string see_also(const std::vector<std::string>& pages) {
  std::string text;
  for (const std::string& page : pages) {
    const std::size_t dot = page.rfind('.');
    text += (text.empty() ? "" : ",\n") + (".BR " + roff(page.substr(0, dot))) + " (" +
            page.substr(dot + 1) + ")";
  }
  // .BR takes what follows without a blank.
  std::string made = ".SH SEE ALSO\n";
  for (std::size_t at = 0; (at = text.find("),\n")) != std::string::npos;) {
    made += text.substr(0, at + 1) + " ,\n";
    text.erase(0, at + 3);
  }
  return made + text + "\n";
}

ManualPage page_of_command(const ShownCommand& command, const std::string& version) {
  const std::string page = page_of(command.path);
  std::string text = heading(page, "1", version);
  text += ".SH NAME\n" + roff(page) + " \\- " + roff(command.help) + "\n";
  text += ".SH SYNOPSIS\n" + synopsis(command);
  text += ".SH DESCRIPTION\n" + lines_of(sentence(command.help));
  if (!command.footer.empty()) text += ".PP\n" + lines_of(command.footer);
  text += ".SH OPTIONS\n" + options_of(command, ".SS");
  if (!command.subcommands.empty()) {
    text += ".SH COMMANDS\n";
    for (const ShownCommand& sub : command.subcommands) text += below(sub);
  }
  text += examples_of(command.path) + see_also({"pgsluice.1", "pgsluice.toml.5"});
  return {page + ".1", text};
}

ManualPage page_of_program(const ShownCommand& program, const std::string& version) {
  std::string text = heading(program.path, "1", version);
  text += ".SH NAME\n" + roff(program.path) +
          " \\- loads CSV into PostgreSQL; runs migrations and schedules\n";
  text += ".SH SYNOPSIS\n" + synopsis(program);
  text += ".SH DESCRIPTION\n" + lines_of(program.help) + ".SH COMMANDS\n";
  std::vector<std::string> others;
  for (const ShownCommand& sub : program.subcommands) {
    others.push_back(page_of(sub.path) + ".1");
    text += item("\\fB" + roff(page_of(sub.path)) + "\\fR(1)", sub.help);
  }
  text += ".SH OPTIONS\n" + options_of(program, ".SS") + exit_status() + ".SH ENVIRONMENT\n";
  for (const Variable& variable : manual_variables)
    text += item(bold(std::string(variable.name)), std::string(variable.says));
  text += ".SH FILES\n" + item(italic("~/.pgpass"), "passwords, as for psql") +
          item(italic("pgsluice.toml"), "what is run on a schedule: pgsluice.toml(5)");
  text += examples_of(program.path);
  others.emplace_back("pgsluice.toml.5");
  others.emplace_back("psql.1");
  return {program.path + ".1", text + see_also(others)};
}

std::string keys_of(std::span<const jobs::ConfigKey> keys) {
  std::string text;
  for (const jobs::ConfigKey& key : keys)
    text += item(bold(std::string(key.name)) + " = " + italic(std::string(key.value)),
                 std::string(key.help));
  return text;
}

}  // namespace

std::string roff(const std::string& text) {
  std::string made = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (const char c : text) {
    if (c == '\\') {
      made += "\\e";
    } else if (c == '-') {
      made += "\\-";
    } else if (c == '"') {
      made += "\\(dq";
    } else if (c == '\'') {
      made += "\\(aq";
    } else if (c == '`' || c == '^' || c == '~') {
      made += c == '`' ? "\\(ga" : c == '^' ? "\\(ha" : "\\(ti";
    } else {
      made += c == '\n' ? ' ' : c;
    }
  }
  return made;
}

std::vector<ManualPage> manual_of(const ShownCommand& program, const std::string& version) {
  std::vector<ManualPage> pages{page_of_program(program, version)};
  for (const ShownCommand& command : program.subcommands)
    pages.push_back(page_of_command(command, version));
  return pages;
}

ManualPage manual_of_configuration(const std::string& version) {
  std::string text = heading("pgsluice.toml", "5", version);
  text += ".SH NAME\npgsluice.toml \\- what pgsluice runs, and when\n.SH DESCRIPTION\n";
  text += lines_of(
      "The configuration of pgsluice schedule: jobs, each with the time at which it runs, in TOML. "
      "A DURATION is a text such as \"500ms\", \"30s\" or \"5m\". In a text ${NAME} is a variable "
      "of the environment. Paths are seen from the configuration's folder. An unknown key is an "
      "error with its line; pgsluice schedule check says what is run, and asks no database.");
  text += ".SH TOP LEVEL\n" + keys_of(jobs::root_keys);
  text += ".SH [scheduler]\n" + keys_of(jobs::scheduler_keys);
  text +=
      ".SH [[job]]\nOne of load, migrate and sql says what it does.\n" + keys_of(jobs::job_keys);
  text += ".SH [scripts]\n" + keys_of(jobs::scripts_keys);
  text += ".SH EXAMPLES\n.nf\n" + roff("[[job]]") + "\n" + roff("name = \"trips\"") + "\n" +
          roff("cron = \"*/5 * * * *\"") + "\n" + roff("load = [\"/data/in/*.csv\"]") + "\n" +
          roff("table = \"trips\"") + "\n" + roff("after = \"move:/data/done\"") + "\n.fi\n";
  return {"pgsluice.toml.5", text + see_also({"pgsluice.1", "pgsluice-schedule.1"})};
}

}  // namespace sluice::app
