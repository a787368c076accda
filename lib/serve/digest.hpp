#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace sluice::serve {

/// What a sender says that the digest of its bytes is, and what it is.
/// https://www.rfc-editor.org/rfc/rfc9530
class DigestCheck {
 public:
  /// A field's value: "sha-256=:BASE64:, sha-512=:...:". Of several the first that is
  /// known counts; an empty field is none. Throws Refused for what is no such value, or has none
  /// that is known: who sends it would take the bytes for compared.
  explicit DigestCheck(std::string_view field);
  ~DigestCheck();
  DigestCheck(DigestCheck&&) noexcept;
  DigestCheck& operator=(DigestCheck&&) noexcept;

  explicit operator bool() const { return state_ != nullptr; }

  void add(std::string_view bytes);
  /// Of all that was added; true where nothing was said.
  bool is_right();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::serve
