#pragma once

// How answers of the store become answers of the public face.

#include "actors/conversions.hpp"
#include "actors/engine_impl.hpp"

#include <utility>
#include <variant>
#include <vector>

namespace leasehold {

/// Reads rows of kind `Rows` and hands on what the public face calls them.
template <class Rows, class Info>
completion<store_answer> as_list(completion<std::vector<Info>> then) {
  return converting<store_answer>(std::move(then), [](store_answer x) {
    std::vector<Info> out;
    for (auto& row : std::get<Rows>(x).rows)
      out.push_back(to_public(std::move(row)));
    return out;
  });
}

/// The same for the only row.
template <class Rows, class Info>
completion<store_answer> as_one(completion<Info> then) {
  return converting<store_answer>(std::move(then), [](store_answer x) {
    return to_public(std::move(std::get<Rows>(x).rows.front()));
  });
}

/// What a write is followed by: the SUPERVISOR hears of it, then the caller.
template <class News>
completion<written> announcing(const supervisor_actor& whom, News news,
                               completion<done> then) {
  return [whom, news = std::move(news), then](const result<written>& how) {
    if (!how)
      return then(how.error());
    tell_from_outside(whom, news);
    then(done{});
  };
}

} // namespace leasehold
