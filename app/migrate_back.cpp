#include <poll.h>
#include <unistd.h>

#include <iostream>

#include "app/migrate_steps.hpp"
#include "app/output.hpp"
#include "base/failure.hpp"
#include "migrate/sql_error.hpp"
#include "script/plan_back.hpp"

/// `migrate down` and `migrate redo`.
namespace sluice::app {
namespace {

migrate::BackOptions back_options_of(const MigrateFlags& flags, const script::BackWish& wish,
                                     const std::string& question, const migrate::Stop& stop) {
  return {.wish = wish,
          .without_transaction = flags.no_transaction,
          .agree = [&flags, &stop, question](const std::vector<std::string>& paths) {
            return is_agreed(flags, question, paths, stop);
          }};
}

/// Until somebody has answered, or the answer is a signal, which another thread hears: where it has
/// come to this one, it ends the wait here (EINTR), and is no answer yet.
void await_line(const migrate::Stop& stop) {
  constexpr int look_milliseconds = 100;
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  while (::poll(&input, 1, look_milliseconds) <= 0) {
    if (stop.asked()) throw Failure(FailureKind::interrupted, "interrupted; nothing was done");
  }
}

/// The environment's values for both ways of a folder.
migrate::Options with_variables(const script::Folder& folder, const migrate::Options& given) {
  migrate::Options options = given;
  for (const script::Script& script : folder.versioned) {
    take_variables(script, options);
    if (script.style == script::Style::goose && !script.back_path.empty())
      take_variables(script::read_way_back(script), options);
  }
  return options;
}

/// The second half of redo. Where it fails, what the first half took back stays so.
void apply_again(const script::Folder& folder, const migrate::Options& options,
                 const migrate::Listener& listener, const migrate::Stop& stop) {
  const std::string state =
      "; version " + options.to->text() + " is taken back, and not applied again";
  constexpr const char* what_to_run = "pgsluice migrate up applies it, once what failed is mended.";
  try {
    migrate::up(folder, options, listener, stop);
  } catch (const Failure& failure) {
    throw Failure(failure.kind(), failure.problem() + state,
                  failure.advice().empty() ? what_to_run : failure.advice() + " " + what_to_run);
  } catch (const migrate::SqlError& error) {
    throw Failure(stop.asked() ? FailureKind::interrupted : FailureKind::failed,
                  error.primary() + state, what_to_run);
  }
}

}  // namespace

bool is_agreed(const MigrateFlags& flags, const std::string& question,
               const std::vector<std::string>& about, const migrate::Stop& stop) {
  if (flags.yes) return true;
  std::string list;
  for (const std::string& one : about) list += "  " + cell(one) + "\n";
  if (::isatty(STDIN_FILENO) == 0) {
    throw Failure(FailureKind::usage,
                  question + "\n" + list + "  Nobody can be asked here: --yes says so.");
  }
  print_note(question + "\n" + list + "Type yes to go on:");
  await_line(stop);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes" || answer == "y";
}

MigrateOutcome down_step(const MigrateFlags& flags, const migrate::Options& given,
                         const migrate::Listener& listener, const migrate::Stop& stop) {
  if (flags.to && flags.steps)
    throw Failure(FailureKind::usage, "--to and --steps both say how far back: give one of them");
  const script::Folder folder = script::read_folder(flags.folder);
  for (const std::string& note : folder.notes) listener.note(note);
  const migrate::Options options = with_variables(folder, given);
  const script::BackWish wish{.to = options.to, .steps = flags.steps.value_or(1)};
  const std::size_t count = migrate::down(
      folder, options,
      back_options_of(flags, wish, "this takes back, with all data that is in it:", stop), listener,
      stop);
  if (prints_text(flags) && count == 0) print_result("nothing was taken back\n");
  return {};
}

MigrateOutcome redo_step(const MigrateFlags& flags, const migrate::Options& given,
                         const migrate::Listener& listener, const migrate::Stop& stop) {
  const script::Folder folder = script::read_folder(flags.folder);
  for (const std::string& note : folder.notes) listener.note(note);
  migrate::Options options = with_variables(folder, given);
  migrate::Listener noting = listener;
  noting.taken_back = [&](const script::Script& way, std::chrono::duration<double> duration) {
    options.to = way.name.version;
    listener.taken_back(way, duration);
  };
  const std::size_t count = migrate::down(
      folder, options,
      back_options_of(flags, {},
                      "this takes back, with all data that is in it, and applies again:", stop),
      noting, stop);
  if (count > 0) {
    apply_again(folder, options, listener, stop);
  } else if (prints_text(flags)) {
    print_result("nothing was taken back\n");
  }
  return {};
}

}  // namespace sluice::app
