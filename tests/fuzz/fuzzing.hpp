#pragma once

// What every fuzz target is written with. A target is one function,
// `leasehold::fuzz::try_input`, that states properties of what it is given; a
// property that does not hold, and anything that is thrown, ends the program
// with the words that were refuted.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold::fuzz {

/// Tries one input. Every target defines its own.
void try_input(std::string_view input);

/// Ends the program unless `fact` holds.
void must(bool fact, const char* words);

/// Takes the next line of `input`, without its end; all of it if there is none.
std::string_view take_line(std::string_view& input);

/// What stands between the spaces of a line, empty words among it.
std::vector<std::string> words_of(std::string_view line);

/// Cuts a stream into pieces, at places that `cuts` decides: each byte is the
/// length of the next piece, over and over; no cuts, one piece.
std::vector<std::string_view> pieces_of(std::string_view stream,
                                        std::string_view cuts);

/// Whether every byte belongs to a character of valid UTF-8. Written apart from
/// what is tested.
bool is_utf8(std::string_view text);

} // namespace leasehold::fuzz
