"""What script/bench runs: the same work by pgsluice and by its peers, in turns, on one server.

command      the flags, and the run from the build to the page
parts/       the table of parts, and a file for each: what is measured, and the tables that come of it
part         what an entry of that table says, and what a part is given
server       the private server, and a way to it that delays each byte
web          nginx with a folder, and a bucket of small objects
data         the data sets' files and tables
loaders      the commands that load a file: psql's, pgsluice's, those of installed peers
clock        the time, CPU time and memory of a command
turns        loaders run in turns, and what the runs of one come to
page, chart  what is printed, and kept in docs/benchmarks
paths        where things are in this repository
"""
