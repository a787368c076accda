#include <algorithm>

#include "app/cli.hpp"
#include "app/output.hpp"
#include "app/runtime.hpp"
#include "base/exit_code.hpp"
#include "base/failure.hpp"
#include "base/printable.hpp"
#include "doctor/ask.hpp"
#include "doctor/judge.hpp"

namespace sluice::app {
namespace {

struct DoctorFlags {
  CommonOptions common;
  std::string table;
};

asio::awaitable<void> find_out(pg::Pool& pool, std::string table, doctor::Facts& facts) {
  const pg::Lease connection = co_await pool.acquire();
  facts = co_await doctor::ask(*connection, std::move(table));
}

std::vector<doctor::Finding> examine(const DoctorFlags& flags) {
  Runtime runtime(flags.common.connect);
  runtime.end_on_signal();
  doctor::Facts facts;
  try {
    runtime.run(find_out(runtime.pool(), flags.table, facts));
  } catch (const pg::PgError& error) {
    if (runtime.signal() != 0) throw Failure(FailureKind::interrupted, "interrupted");
    if (error.phase != pg::Phase::connect) throw Failure(FailureKind::failed, error.full());
    const std::string advice =
        "-d, -h, -p and -U say where the server is and who asks, as for psql; so do PG* variables";
    return {{"connection", doctor::Verdict::bad, error.full(), advice}};
  } catch (const boost::system::system_error&) {
    if (runtime.signal() == 0) throw;
    throw Failure(FailureKind::interrupted, "interrupted");
  }
  return doctor::judge(facts);
}

int exit_code_of(const std::vector<doctor::Finding>& findings) {
  const auto is_bad = [](const doctor::Finding& one) {
    return one.verdict == doctor::Verdict::bad;
  };
  if (std::ranges::none_of(findings, is_bad)) return exit_ok;
  return findings.front().subject == "connection" && is_bad(findings.front()) ? exit_connect
                                                                              : exit_failed;
}

Hue hue_of(doctor::Verdict verdict) {
  switch (verdict) {
    case doctor::Verdict::good: return Hue::good;
    case doctor::Verdict::doubtful: return Hue::doubtful;
    case doctor::Verdict::bad: break;
  }
  return Hue::bad;
}

void print_findings(const std::vector<doctor::Finding>& findings) {
  constexpr std::size_t mark_width = 9;
  std::string text;
  for (const doctor::Finding& one : findings) {
    const std::string mark(name_of(one.verdict));
    text += colored(mark, hue_of(one.verdict)) + std::string(mark_width - mark.size(), ' ') +
            cell(one.subject) + ": " + printable(one.message) + "\n";
    if (!one.advice.empty())
      text += std::string(mark_width, ' ') + "-> " + printable(one.advice) + "\n";
  }
  print_bytes(text);
}

int run_doctor(const DoctorFlags& flags) {
  require_utf8("--table", flags.table);
  const std::vector<doctor::Finding> findings = examine(flags);
  const int exit_code = exit_code_of(findings);
  if (flags.common.output == OutputFormat::text) {
    print_findings(findings);
    return exit_code;
  }
  nlohmann::ordered_json listed = nlohmann::ordered_json::array();
  for (const doctor::Finding& one : findings)
    listed.push_back({{"subject", one.subject},
                      {"verdict", name_of(one.verdict)},
                      {"message", one.message},
                      {"advice", one.advice}});
  print_json({{"command", "doctor"}, {"exit_code", exit_code}, {"findings", listed}});
  return exit_code;
}

}  // namespace

Run add_doctor_command(CLI::App& app) {
  auto flags = std::make_shared<DoctorFlags>();
  CLI::App& c = *app.add_subcommand(
      "doctor", "say whether loads into a database will go well, and what to change");
  c.set_help_flag("--help", "print this help and exit");
  not_empty(*c.add_option("-t,--table", flags->table, "also of this table, as in SQL"))
      .type_name("TABLE");
  add_connection_options(c, flags->common);
  add_output_format(c, flags->common.output, "text, or json: one object, also on failure");
  c.footer(
      "Asks, and changes nothing.\nExit codes: 0 no problem (there may be warnings), 1 something "
      "would make a load fail, 2 wrong usage, 4 cannot connect.");
  return [flags] { return run_doctor(*flags); };
}

}  // namespace sluice::app
