#include "app/handed_upload.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "jobs/handed.hpp"
#include "source/continued_source.hpp"

namespace sluice::app {

void take_handed_upload(plan::LoadOptions& options) {
  const char* const handed = std::getenv(jobs::handed_upload);
  if (handed == nullptr) return;
  try {
    const auto json = nlohmann::json::parse(handed);
    options.upload = plan::NamedUpload{.key = json.at("key").get<std::string>(),
                                       .is_resumable = json.value("resumable", false),
                                       .kept_bytes = json.value("kept", std::size_t{0}),
                                       .offset = json.value("offset", std::uint64_t{0})};
  } catch (const nlohmann::json::exception&) {
    throw Failure(FailureKind::usage, std::string(jobs::handed_upload) + ": is of no server");
  }
  if (options.upload->offset > 0)
    options.opened =
        source::open_continued_stdin(options.upload->kept_bytes, options.upload->offset);
}

}  // namespace sluice::app
