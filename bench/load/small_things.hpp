#pragma once

// What several files of the load driver need: files, names, the middle of some
// numbers.

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace leasehold::bench {

/// The content of a file; empty if it cannot be read.
std::string read_text(const std::string& path);

void write_text(const std::string& path, const std::string& text);

/// The middle one; the mean of the middle two. 0 of none.
double median_of(std::vector<double> all);

/// A UUID like those of leases: at random, so that an index is entered
/// anywhere.
std::string random_uuid(std::mt19937_64& dice);

/// What a program prints; throws if it fails.
std::string output_of(const std::string& command_line);

} // namespace leasehold::bench
