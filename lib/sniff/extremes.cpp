#include "sniff/extremes.hpp"

namespace sluice::sniff {

void Extremes::add_number(std::string_view text, double number) {
  if (!smallest_number_ || number < *smallest_number_) {
    smallest_number_ = number;
    smallest_ = text;
  }
  if (!largest_number_ || number > *largest_number_) {
    largest_number_ = number;
    largest_ = text;
  }
}

void Extremes::add_text(std::string_view text) {
  if (smallest_number_ || text.empty()) return;
  if (smallest_.empty() || text < smallest_) smallest_ = shown_part_of(text);
  if (largest_.empty() || text > largest_) largest_ = shown_part_of(text);
}

void Extremes::merge(const Extremes& other) {
  if (!other.smallest_number_) {
    add_text(other.smallest_);
    add_text(other.largest_);
    return;
  }
  add_number(other.smallest_, *other.smallest_number_);
  add_number(other.largest_, *other.largest_number_);
}

}  // namespace sluice::sniff
