#include "resume/entry.hpp"

#include <algorithm>
#include <iterator>

#include "plan/meaning.hpp"
#include "plan/values.hpp"
#include "plan/wishes.hpp"
#include "source/fingerprint.hpp"
#include "source/remote.hpp"
#include "source/starts.hpp"

namespace sluice::resume {

ledger::NewLoad entry_of(const plan::Plan& plan) {
  const plan::LoadOptions& o = plan.options;
  const tuple::Table& table = plan.target.table;
  std::string meaning = plan::meaning_of(o, plan.preamble, plan.mapping, plan.encoder, plan.target,
                                         plan.fed_table(), plan.strategy);
  ledger::NewLoad entry{.target = table.full_name(),
                        .target_oid = table.id,
                        .is_empty = writer::emptiness(plan.target, writer::Far::left_alone),
                        .origin = plan.target.origin,
                        .source = plan.source->name(),
                        .source_path = plan.source->identity(),
                        .source_bytes = plan.source->length(),
                        .source_stamp = plan.source->opening_stamp(),
                        .fingerprint = plan.digests.fingerprint,
                        .head = plan.digests.head,
                        .marked = {.fingerprint = plan.digests.marked.fingerprint,
                                   .head = plan.digests.marked.head,
                                   .short_heads = {}},
                        .head_bytes = plan.preamble.beginning.size(),
                        .start = source::start_of(plan.preamble.beginning),
                        .starts = {},
                        .short_heads = {},
                        .options = std::move(meaning),
                        .chunk_bytes = o.chunk_bytes,
                        .record_bytes_max = o.record_bytes_max,
                        .segment_bytes = plan.segment_bytes,
                        .rejects_path = {},
                        .staged = plan.strategy.is_all_or_nothing(),
                        .updates = plan.strategy.merge.on_conflict == writer::OnConflict::update,
                        .deletes = o.deletes(),
                        .again = o.again,
                        .behind_load = {},
                        .upload_key = o.upload ? o.upload->key : std::string()};
  entry.starts = source::starts_of(plan.preamble.beginning);
  const auto marked = source::starts_of(source::marked_beginning(plan.preamble.beginning));
  entry.starts.insert(entry.starts.end(), marked.begin(), marked.end());
  if (o.truncate) entry.options = plan::with_truncation(entry.options);
  // What a listing names is known by its stamp, unread.
  if (source::is_remote(o.path))
    entry.options = plan::with_wishes(entry.options, plan::wishes_of(o, plan.target));
  if (plan::has_words(plan)) entry.options = plan::with_words(entry.options, plan.words);
  return entry;
}

}  // namespace sluice::resume
