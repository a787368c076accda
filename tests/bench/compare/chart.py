"""The chart of docs/benchmarks, as SVG."""

COLOURS = {"psql \\copy": "#9aa5b1", "2 x psql \\copy, file split beforehand": "#6b7c93", "pgloader": "#d9a441",
           "pgsluice --jobs 1": "#4c9f70", "pgsluice": "#1f6f4a"}
OTHER_COLOUR = "#b0b0b0"


def chart(ratios):
    """Grouped bars: rows/s as a multiple of psql's."""
    names = [name for name in next(iter(ratios.values()))]
    bar, gap, left, unit = 15, 22, 90, 140
    widest = max(max(values.values()) for values in ratios.values())
    width = left + int(widest * unit) + 70
    parts, y = [], 58 + 16 * ((len(names) + 1) // 2)
    for i, name in enumerate(names):
        x, row = 12 + (i % 2) * 270, 44 + 16 * (i // 2)
        parts.append(f'<rect x="{x}" y="{row - 9}" width="10" height="10" fill="{COLOURS.get(name, OTHER_COLOUR)}"/>'
                     f'<text x="{x + 16}" y="{row}">{name}</text>')
    for data, values in ratios.items():
        parts.append(f'<text x="{left - 10}" y="{y + bar * len(names) / 2 + 4}" text-anchor="end" font-weight="bold">{data}</text>')
        for name in names:
            value = values.get(name, 0)
            parts.append(f'<rect x="{left}" y="{y}" width="{value * unit:.1f}" height="{bar - 2}" fill="{COLOURS.get(name, OTHER_COLOUR)}"/>'
                         f'<text x="{left + value * unit + 5:.1f}" y="{y + 10}">{value:.2f}</text>')
            y += bar
        y += gap
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{max(width, 560)}" height="{y}" font-family="sans-serif" font-size="11">\n'
            '<rect width="100%" height="100%" fill="white"/>\n'
            '<text x="12" y="22" font-size="14" font-weight="bold">Rows a second, as a multiple of psql \\copy (table without index)</text>\n'
            + "\n".join(parts) + "\n</svg>\n")
