#include "sniff/few_values.hpp"

namespace sluice::sniff {

void FewValues::add(const Value& value) {
  if (are_many_) return;
  if (values_.size() == values_max || value.text.size() > bytes_max) return give_up();
  values_.push_back(value);
}

void FewValues::give_up() {
  are_many_ = true;
  values_.clear();
  values_.shrink_to_fit();
}

void FewValues::merge(const FewValues& other) {
  if (other.are_many_) give_up();
  for (const Value& value : other.values_) {
    if (are_many_) return;
    if (Value* const known = find(value.text, value.quoted))
      known->times += value.times;
    else
      add(value);
  }
}

}  // namespace sluice::sniff
