#include "decode/members.hpp"

#include <algorithm>

namespace sluice::decode {

Step Members::step(std::string_view in, std::span<char> out, bool is_last) {
  Step all;
  for (;;) {
    if (!is_inside_) {
      if (in.empty()) return all;
      if (is_padded_ || (!is_first_ && in.front() == '\0')) {
        all.taken += skip_padding(in);
        return all;
      }
      begin();
      is_inside_ = true;
      has_made_ = false;
    }
    const MemberStep done = go_on_or_tell(in, out, is_last, all.taken);
    in.remove_prefix(done.taken);
    out = out.subspan(done.made);
    all.taken += done.taken;
    all.made += done.made;
    has_made_ = has_made_ || done.made > 0;
    if (!done.ended) return all;
    is_inside_ = false;
    is_first_ = false;
    if (out.empty()) return all;
  }
}

/// What is no member is told so, and not as a damaged one.
Members::MemberStep Members::go_on_or_tell(std::string_view in, std::span<char> out, bool is_last,
                                           std::size_t before) {
  try {
    return go_on(in, out, is_last);
  } catch (const Defect& defect) {
    if (is_first_ || has_made_ || defect.kind() != Defect::Kind::damaged)
      throw defect.behind(before);
    throw Defect::damaged("what stands behind its last whole member is neither a member nor zeros")
        .behind(before);
  }
}

std::size_t Members::skip_padding(std::string_view in) {
  is_padded_ = true;
  if (in.find_first_not_of('\0') != std::string_view::npos)
    throw Defect::damaged("other bytes stand behind the zeros that fill it up");
  return in.size();
}

}  // namespace sluice::decode
